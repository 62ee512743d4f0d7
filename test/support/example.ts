import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { NODE } from './child.js';

export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url));
/** A machine with more to do than it can takes several times as long as another. */
const DEADLINE_MS = 60_000;
export const DEAD_MAN_MS = 120_000;

const children: ChildProcess[] = [];

/** Ends what a test has left running; for `afterEach`. */
export async function endExamples(): Promise<void> {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}

export interface Example {
  readonly process: ChildProcess;
  /** What stands after `<name>: ` on the first such line of its output that is as wanted, once there is one. */
  line(name: string, wanted?: (rest: string) => boolean): Promise<string>;
  /** The first line of JSON in its output that is as wanted, once there is one. */
  json<T>(what: string, wanted: (entry: T) => boolean): Promise<T>;
  /** What it has written to standard error. */
  stderr(): string;
}

export interface ExampleOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly flags?: readonly string[];
  readonly args?: readonly string[];
  /** When to give the example up, in milliseconds. */
  readonly deadManMs?: number;
}

/** Runs an example (or a file by its absolute path) the way its first lines say, on ports of its own. */
export function startExample(file: string, options: ExampleOptions = {}): Example {
  const { env = {}, flags = [], args = [], deadManMs = DEAD_MAN_MS } = options;
  // Loaded first in every child: it ends even if this process is killed and can end nothing.
  const deadMan = `data:text/javascript,setTimeout(() => process.exit(86), ${deadManMs}).unref()`;
  const path = file.startsWith('/') ? file : `examples/${file}`;
  const child = spawn(NODE, ['--import', deadMan, ...flags, path, ...args], {
    cwd: ROOT,
    env: { ...process.env, WATCHDOG_PORT: '0', PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ends what an example that blocks for ever would not end by itself.
    timeout: deadManMs,
    killSignal: 'SIGKILL',
  });
  children.push(child);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const lines = (pattern: string): string[] => {
    if (child.exitCode) throw new Error(`${file} exited with ${child.exitCode}: ${stderr}`);
    return [...stdout.matchAll(new RegExp(`^${pattern}\n`, 'gm'))].map(([, rest = '']) => rest);
  };
  return {
    process: child,
    line: (name, wanted = () => true) =>
      poll(`a line "${name}: ..."`, () => lines(`${name}: (.*)`).find(wanted)),
    json: (what, wanted) =>
      poll(what, () =>
        lines('({.*})')
          .map((line) => JSON.parse(line))
          .find(wanted),
      ),
    stderr: () => stderr,
  };
}

/** Asks again and again until there is an answer. */
export async function poll<T>(what: string, ask: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const deadline = Date.now() + DEADLINE_MS;
  while (Date.now() < deadline) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await delay(20);
  }
  throw new Error(`Waited ${DEADLINE_MS} ms for ${what}.`);
}

export async function get(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(DEADLINE_MS) });
  return response.text();
}

/** Scrapes until a scrape is as wanted, and returns that one. */
export function scrapeUntil(url: string, what: string, wanted: (text: string) => boolean): Promise<string> {
  return poll(what, async () => {
    const text = await get(url);
    return wanted(text) ? text : undefined;
  });
}

/** A scrape that the sidecar answers while the app is blocked. */
export function scrapeWhileBlocked(url: string): Promise<string> {
  return scrapeUntil(url, 'a blocked loop', (text) => value(text, LAG) >= 0.3);
}

export const LAG = 'watchdog_eventloop_lag_seconds{thread="main"}';

/** The value of one series, NaN if it is not there. */
export function value(text: string, series: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1) ?? Number.NaN);
}

/** The sum over all series of a family. */
export function sumOf(text: string, name: string): number {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** A port that was free a moment ago: for what cannot tell us which one it took. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('listening on no port');
  return address.port;
}
