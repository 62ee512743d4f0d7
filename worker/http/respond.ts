import { type ServerResponse, STATUS_CODES } from 'node:http';
import { printableJson } from '../../src/shared/printable.js';

/** On every answer: nothing of it is to be kept, guessed at, framed, or read by a page of another origin. */
const HEADERS = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
} as const;

/** Answers with a body; to HEAD with the same headers and none. */
export function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    ...HEADERS,
    ...headers,
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, 'application/json; charset=utf-8', `${printableJson(value)}\n`);
}

/** An error as RFC 9457 has it, with `more` members. */
export function sendProblem(
  response: ServerResponse,
  status: number,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
  more: object = {},
): void {
  const problem = { type: 'about:blank', title: STATUS_CODES[status], status, detail, ...more };
  send(response, status, 'application/problem+json', `${printableJson(problem)}\n`, headers);
}

/** An answer must have left by then: what it holds on to is not kept for who takes a byte now and then. */
const SEND_MAX_MS = 20_000;

/** Answers with a body in parts, the next once the client has taken the one before. */
export async function sendParts(
  response: ServerResponse,
  type: string,
  parts: readonly Buffer[],
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': length, ...HEADERS, ...headers });
  if (response.req.method !== 'HEAD') {
    const late = setTimeout(() => response.destroy(), SEND_MAX_MS);
    response.once('close', () => clearTimeout(late));
    for (const part of parts) {
      if (!response.write(part)) await drained(response);
      if (response.destroyed) return;
    }
  }
  response.end();
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      response.off('drain', settle).off('close', settle);
      resolve();
    };
    response.on('drain', settle).on('close', settle);
  });
}
