import type { ClientRequest, IncomingMessage } from 'node:http';
import { printable, printableJson } from '../shared/printable.js';
import { CommandError } from './error.js';
import { type Asked, whyRefused, whyUnreachable } from './failures.js';
import type { Token } from './token.js';

/** A watchdog answers within milliseconds, on a busy host within a second or two. */
export const ANSWER_MS = 5000;
/** No answer is nearly as long: whoever sends more is no watchdog. */
const ANSWER_MAX_BYTES = 64 * 2 ** 20;

export interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Until the end of the answer. */
  readonly timeoutMs?: number;
  readonly accept?: string;
  /** Ends it before. */
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A question that was answered with success. */
export type Ask = (base: URL, question: Question) => Promise<Answer>;

/** @returns what asks a watchdog; it throws a `CommandError` that says what to do */
export function createAsk(token: Token): Ask {
  return async (base, question) => {
    const { timeoutMs = ANSWER_MS } = question;
    const asked: Asked = { ...question, base, timeoutMs };
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = question.signal ? AbortSignal.any([question.signal, timeout]) : timeout;
    let answer: Answer;
    try {
      answer = await fetchAnswer(asked, token.value, signal);
    } catch (error) {
      throw new CommandError(whyUnreachable(asked, error as Error, timeout.aborted));
    }
    if (answer.status !== 200) throw new CommandError(whyRefused(asked, answer, token), 1, answer.status);
    return answer;
  };
}

async function fetchAnswer(
  { base, method, path, accept = 'application/json' }: Asked,
  token: string | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  const { request } = base.protocol === 'https:' ? await import('node:https') : await import('node:http');
  const headers = { Accept: accept, ...(token !== undefined && { Authorization: `Bearer ${token}` }) };
  return new Promise((resolve, reject) => {
    // An agent of its own: the global one may lead through a proxy.
    const outgoing: ClientRequest = request(new URL(path, base), { method, headers, signal, agent: false });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => readBody(response).then(resolve, reject));
    outgoing.end();
  });
}

async function readBody(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > ANSWER_MAX_BYTES) throw new Error(`the answer is longer than ${ANSWER_MAX_BYTES} bytes`);
  }
  const { statusCode = 0, headers } = response;
  return { status: statusCode, headers, body: Buffer.concat(chunks).toString('utf8') };
}

/**
 * An answer's value. What it says is the app's, or another program's: no text in it ends a line, or drives
 * the terminal.
 * @param isIt whether the value is what a watchdog would answer
 */
export function readJson<T>(base: URL, { body }: Answer, isIt: (value: Partial<T>) => boolean): T {
  let value: unknown;
  try {
    value = JSON.parse(body, (_key, part) =>
      typeof part === 'string' ? printable(part.replaceAll('\t', ' ')) : part,
    );
  } catch {
    // Told below.
  }
  if (typeof value === 'object' && value !== null && isIt(value)) return value as T;
  throw noWatchdog(base);
}

export const noWatchdog = (base: URL): CommandError =>
  new CommandError(`What answers at ${base.origin} is no watchdog, or of another version than this command.`);

/** What was read, for programs: JSON on one line that means the same as the answer. */
export const jsonLine = ({ body }: Answer): string => `${printableJson(JSON.parse(body))}\n`;
