import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Stall } from '../../src/types.js';

/** The Node.js under test: `WATCHDOG_TEST_NODE`, or the one that runs the tests. */
export const NODE: string = process.env.WATCHDOG_TEST_NODE ?? process.execPath;

/** Its version: 20, 22, ... */
export const NODE_MAJOR: number = Number(
  execFileSync(NODE, ['--print', 'process.versions.node'], { encoding: 'utf8' }).split('.')[0],
);

/** Without what sets up the tests: the watchdog would complain of variables that are none of its own. */
export const OWN_ENV: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('WATCHDOG_')),
);

/** A child that did not end by itself is killed after this long; tests never wait for it on purpose. */
const DEAD_MAN_MS = 180_000;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A real process of the test's, with a channel to it. */
export interface Child {
  readonly process: ChildProcess;
  /** The next message that has this property, also one that came before; its value. */
  message<T = unknown>(key: string): Promise<T>;
  /** The values of all such messages that have come and were not asked for yet. */
  messages(key: string): unknown[];
  /** What it has written to standard error, as soon as that matches. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** What is made of the first line of its standard output of which something is made, once there is one. */
  line<T>(what: string, of: (line: string) => T | undefined): Promise<T>;
  send(message: object): void;
  /** Ends what `fixtures/hold.mjs` holds by this name, `main` by default. */
  release(what?: string): void;
  readonly exit: Promise<Exit>;
  kill(signal?: NodeJS.Signals): Promise<Exit>;
}

export interface ChildOptions {
  readonly args?: readonly string[];
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A command that runs the one it is given. */
  readonly under?: readonly string[];
  /** `false`: without a channel, as from a shell. */
  readonly channel?: boolean;
  /** When to give the child up, in milliseconds. */
  readonly deadManMs?: number;
}

const running = new Set<Child>();

/** Ends what a test has left running; for `afterEach`. */
export async function killChildren(): Promise<void> {
  await Promise.all([...running].map((child) => child.kill()));
}

/** What a child says, by message and in text, kept for those who wait for it. */
interface Ear {
  stdout: string;
  stderr: string;
  readonly inbox: Record<string, unknown>[];
  /** Asks again whenever there is more, until there is an answer or the child has ended. */
  hear<T>(what: string, ask: () => T | undefined): Promise<T>;
}

function listen(child: ChildProcess, exit: Promise<Exit>): Ear {
  const waiting: (() => void)[] = [];
  const wakeAll = (): void => {
    for (const wake of waiting.splice(0)) wake();
  };
  const ear: Ear = {
    stdout: '',
    stderr: '',
    inbox: [],
    async hear(what, ask) {
      for (;;) {
        const answer = ask();
        if (answer !== undefined) return answer;
        await Promise.race([
          new Promise<void>((resolve) => waiting.push(resolve)),
          exit.then((end) => {
            throw new Error(`the child ended before ${what}: ${JSON.stringify(end)}`);
          }),
        ]);
      }
    },
  };
  child.stdout?.on('data', (data) => {
    ear.stdout += data;
    wakeAll();
  });
  child.stderr?.on('data', (data) => {
    ear.stderr += data;
    wakeAll();
  });
  child.on('message', (message: Record<string, unknown>) => {
    ear.inbox.push(message);
    wakeAll();
  });
  return ear;
}

/** Runs a file of `test/fixtures` (or an absolute path) in a process of its own. */
export function startChild(fixture: string, options: ChildOptions = {}): Child {
  const { under = [], nodeArgs = [], args = [], env, cwd, channel = true, deadManMs = DEAD_MAN_MS } = options;
  const file = fixture.startsWith('/')
    ? fixture
    : fileURLToPath(new URL(`../fixtures/${fixture}`, import.meta.url));
  const [command = NODE, ...rest] = [...under, NODE, ...nodeArgs, file, ...args];
  const releases = mkdtempSync(join(tmpdir(), 'watchdog-releases-'));
  const child = spawn(command, rest, {
    stdio: ['ignore', 'pipe', 'pipe', channel ? 'ipc' : 'ignore'],
    env: { ...OWN_ENV, NODE_OPTIONS: '', TEST_RELEASES: releases, ...env },
    cwd,
  });
  const deadMan = setTimeout(() => child.kill('SIGKILL'), deadManMs);
  const exit = once(child, 'close').then(([code, signal]): Exit => {
    clearTimeout(deadMan);
    rmSync(releases, { recursive: true });
    running.delete(handle);
    return { code, signal, stdout: ear.stdout, stderr: ear.stderr };
  });
  const ear = listen(child, exit);
  const handle: Child = {
    process: child,
    message: <T>(key: string) =>
      ear
        .hear(`it sent "${key}"`, () => {
          const index = ear.inbox.findIndex((message) => Object.hasOwn(message, key));
          return index < 0 ? undefined : ear.inbox.splice(index, 1);
        })
        .then(([message]) => message?.[key] as T),
    messages: (key) =>
      ear.inbox.filter((message) => Object.hasOwn(message, key)).map((message) => message[key]),
    printed: (pattern) => ear.hear(`it printed ${pattern}`, () => pattern.exec(ear.stderr) ?? undefined),
    line: (what, of) => ear.hear(`it printed ${what}`, () => firstOf(linesOf(ear.stdout), of)),
    send: (message) => void child.send(message),
    release: (what = 'main') => writeFileSync(join(releases, what), ''),
    exit,
    kill(signal = 'SIGKILL') {
      child.kill(signal);
      return exit;
    },
  };
  running.add(handle);
  return handle;
}

/** Those that are whole. */
const linesOf = (text: string): string[] => text.split('\n').slice(0, -1);

function firstOf<T>(lines: readonly string[], of: (line: string) => T | undefined): T | undefined {
  for (const line of lines) {
    const made = of(line);
    if (made !== undefined) return made;
  }
  return undefined;
}

/** An app under watch, and where its sidecar serves. */
export interface App {
  readonly app: Child;
  readonly url: string;
}

/**
 * Runs a fixture until its watchdog is ready, whose options are its first argument: but for those that take
 * others, by `more`.
 */
export async function startApp(fixture: string, options: object = {}, more: ChildOptions = {}): Promise<App> {
  const app = startChild(fixture, { args: [JSON.stringify(options)], ...more });
  const { url } = await app.message<{ url: string }>('ready');
  return { app, url };
}

/** Options with which the own stalls of a busy machine, which are shorter, use up no captures. */
export const RARE_CAPTURES = { stallThreshold: 400 } as const;

/**
 * The next stall that is told of and took so long: a busy machine may bring others of its own, which are
 * shorter.
 */
export async function stallOver(app: Child, ms: number): Promise<Stall> {
  for (;;) {
    const stall = await app.message<Stall>('stall');
    if (stall.durationMs >= ms) return stall;
  }
}
