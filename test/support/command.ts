import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { NODE, OWN_ENV } from './child.js';

/** As the package's `bin` has it. */
export const COMMAND: string = fileURLToPath(new URL('../../dist/command.cjs', import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Reads nothing of its standard output, and says so at once. */
  readonly closed?: boolean;
}

/** Runs the command, in a pipe. */
export async function runCommand(
  args: readonly string[],
  { cwd, env, closed }: RunOptions = {},
): Promise<Ran> {
  const child = spawn(NODE, [COMMAND, ...args], {
    cwd,
    env: { ...OWN_ENV, NODE_OPTIONS: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  if (closed) child.stdout.destroy();
  else child.stdout.on('data', (data) => (said.stdout += data));
  child.stderr.on('data', (data) => (said.stderr += data));
  const [code] = await once(child, 'close');
  return { code, ...said };
}

/** What a stand-in for a watchdog answers to `GET /path`, and the like. */
export type Answers = Record<string, (request: IncomingMessage, response: ServerResponse) => void>;

/** A server in the test's own process; it goes with the test. */
export async function startStandIn(answers: Answers): Promise<number> {
  const server = createServer((request, response) => {
    const route = `${request.method} ${request.url?.split('?')[0]}`;
    const answer = answers[route];
    if (answer) answer(request, response);
    else problem(404, `There is nothing at ${request.url}.`)(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

export const json =
  (value: () => unknown): Answers[string] =>
  (_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(value()));
  };

export const problem =
  (status: number, detail: string): Answers[string] =>
  (_request, response) => {
    response
      .writeHead(status, { 'content-type': 'application/problem+json' })
      .end(JSON.stringify({ detail }));
  };
