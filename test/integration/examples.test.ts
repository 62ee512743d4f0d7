import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DEADLINE_MS = 20_000;
const DEAD_MAN_MS = 30_000;
/** Loaded first in every child: it ends even if this process is killed and can end nothing. */
const DEAD_MAN = `data:text/javascript,setTimeout(() => process.exit(86), ${DEAD_MAN_MS}).unref()`;

const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

interface Example {
  readonly process: ChildProcess;
  /** What stands after `<name>: ` on the first such line of its output that is as wanted, once there is one. */
  line(name: string, wanted?: (rest: string) => boolean): Promise<string>;
  /** The first line of JSON in its output that is as wanted, once there is one. */
  json<T>(what: string, wanted: (entry: T) => boolean): Promise<T>;
  /** What it has written to standard error. */
  stderr(): string;
}

/** Runs an example the way its first lines say, on ports of its own. */
function start(file: string, env: NodeJS.ProcessEnv = {}, flags: readonly string[] = []): Example {
  const child = spawn(process.execPath, ['--import', DEAD_MAN, ...flags, `examples/${file}`], {
    cwd: ROOT,
    env: { ...process.env, WATCHDOG_PORT: '0', PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ends what an example that blocks for ever would not end by itself.
    timeout: DEAD_MAN_MS,
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
    if (child.exitCode !== null) throw new Error(`${file} exited with ${child.exitCode}: ${stderr}`);
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
async function poll<T>(what: string, ask: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const deadline = Date.now() + DEADLINE_MS;
  while (Date.now() < deadline) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await delay(20);
  }
  throw new Error(`Waited ${DEADLINE_MS} ms for ${what}.`);
}

async function scrape(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(DEADLINE_MS) });
  return response.text();
}

/** Scrapes until a scrape is as wanted, and returns that one. */
function scrapeUntil(url: string, what: string, wanted: (text: string) => boolean): Promise<string> {
  return poll(what, async () => {
    const text = await scrape(url);
    return wanted(text) ? text : undefined;
  });
}

/** A scrape that the sidecar answers while the app is blocked. */
function scrapeWhileBlocked(url: string): Promise<string> {
  return scrapeUntil(url, 'a blocked loop', (text) => value(text, LAG) >= 0.3);
}

const LAG = 'watchdog_eventloop_lag_seconds{thread="main"}';

/** The value of one series, NaN if it is not there. */
function value(text: string, series: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1) ?? Number.NaN);
}

/** The sum over all series of a family. */
function sumOf(text: string, name: string): number {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

/** A port that was free a moment ago: for what cannot tell us which one it took. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('listening on no port');
  return address.port;
}

describe('the examples', { timeout: DEAD_MAN_MS }, () => {
  it('basic: metrics while the loop is blocked, the stall event after', async () => {
    const example = start('basic.mjs');
    const url = await example.line('metrics');
    const during = await scrapeWhileBlocked(url);
    expect(sumOf(during, 'watchdog_stall_seconds_total')).toBeGreaterThanOrEqual(0.1);

    // A machine under load may bring stalls of its own before ours, which is of a second.
    await example.line('stall', (rest) => Number(/^(\d+) ms, cause \w+$/.exec(rest)?.[1]) >= 900);
    const after = await scrape(url);
    expect(sumOf(after, 'watchdog_stalls_total')).toBeGreaterThanOrEqual(1);
  });

  it('http-server: metrics while a route blocks, and a shutdown that loses no request', async () => {
    const example = start('http-server.mjs');
    const app = await example.line('app');
    const url = await example.line('metrics');
    expect(await scrape(`${app}/`)).toBe('hello\n');

    const exit = once(example.process, 'exit');
    const report = scrape(`${app}/report`);
    await scrapeWhileBlocked(url);
    example.process.kill('SIGTERM');
    expect(await report).toBe('report\n');
    expect(await exit).toEqual([0, null]);
    await expect(scrape(url)).rejects.toThrow();
  });

  it('piscina: a Piscina pool, thread by thread, and another pool by a function', async () => {
    const example = start('piscina.mjs');
    const url = await example.line('metrics');
    const busy = await scrapeUntil(
      url,
      'both pools full and with a queue',
      (text) =>
        value(text, 'watchdog_pool_active{pool="images"}') === 2 &&
        value(text, 'watchdog_pool_queue_size{pool="images"}') > 0 &&
        value(text, 'watchdog_pool_active{pool="mails"}') === 4 &&
        value(text, 'watchdog_pool_queue_size{pool="mails"}') > 0,
    );
    expect(value(busy, 'watchdog_pool_capacity{pool="images"}')).toBe(2);
    expect(value(busy, 'watchdog_pool_threads{pool="images"}')).toBe(2);
    expect(value(busy, 'watchdog_pool_saturation_ratio{pool="images"}')).toBe(1);
    expect(value(busy, 'watchdog_pool_capacity{pool="mails"}')).toBe(4);
    // What only the threads themselves can tell: the watch began in time to see them all.
    expect(value(busy, 'watchdog_pool_oldest_task_seconds{pool="images"}')).not.toBeNaN();
    expect(value(busy, 'watchdog_pool_starved_seconds_total{pool="images"}')).not.toBeNaN();

    const completed = 'watchdog_pool_tasks_completed_total{pool="images"}';
    const before = value(busy, completed);
    await scrapeUntil(url, 'more finished tasks', (text) => value(text, completed) > before);
  });

  it("custom-registry: the app's own metrics, fresh while it runs and the latest copy while it is blocked", async () => {
    const example = start('custom-registry.mjs');
    const url = await example.line('metrics');
    const first = await scrapeUntil(url, 'an order', (text) => value(text, 'shop_orders_total') > 0);
    const blocked = await scrapeWhileBlocked(url);
    expect(value(blocked, 'shop_orders_total')).toBeGreaterThanOrEqual(value(first, 'shop_orders_total'));
    expect(value(blocked, 'watchdog_relay_age_seconds')).toBeGreaterThan(0.1);
    await scrapeUntil(
      url,
      'fresh orders after the stall',
      (text) => value(text, 'shop_orders_total') > value(blocked, 'shop_orders_total'),
    );
  });

  it('pino: stalls as entries of the log, the longer the higher their level', async () => {
    interface Entry {
      readonly level: number;
      readonly metrics?: string;
      readonly stall?: { readonly cause: string; readonly durationMs: number; readonly culprit?: Frame };
    }
    type Frame = { readonly function: string; readonly file: string };
    const example = start('pino.mjs');
    const { metrics } = await example.json<Entry>('the address', (entry) => entry.metrics !== undefined);
    expect(await scrape(metrics as string)).toContain(LAG);

    // In pino's numbers info is 30, warn 40, error 50.
    const long = await example.json<Entry>('a long stall whose stack was seen', ({ stall }) =>
      Boolean(stall && stall.durationMs >= 1000 && stall.culprit),
    );
    expect(long.level).toBe(50);
    expect(long.stall?.culprit).toMatchObject({ function: 'buildReport' });
    expect(long.stall?.culprit?.file).toMatch(/examples\/pino\.mjs$/);
    const short = await example.json<Entry>('a short one', ({ stall }) => (stall?.durationMs ?? 250) < 250);
    expect(short.level).toBe(30);
    expect(example.stderr()).toBe('');
  });

  it('register: an app that knows nothing of the watchdog, configured by variables', async () => {
    const port = await freePort();
    const env = { WATCHDOG_PORT: String(port), WATCHDOG_HOST: '127.0.0.1', WATCHDOG_STALL_THRESHOLD: '50' };
    const example = start('register/app.mjs', env, ['--import', 'event-loop-watchdog/register']);
    const app = await example.line('app');
    const url = `http://127.0.0.1:${port}/metrics`;
    // It may answer requests before its sidecar listens.
    const first = await poll('the sidecar', () => scrape(url).catch(() => undefined));
    expect(value(first, 'watchdog_stall_threshold_seconds')).toBe(0.05);

    const search = scrape(`${app}/search`);
    await scrapeWhileBlocked(url);
    expect(await search).toBe('found\n');
  });
});
