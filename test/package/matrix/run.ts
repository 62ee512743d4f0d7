// Makes a project, runs it in one way, freezes it, and looks at what its watchdog tells meanwhile.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative, resolve } from 'node:path';
import { expect } from 'vitest';
import type { Frame } from '../../../src/shared/stall.js';
import { NODE } from '../../support/child.js';
import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/free-port.js';
import { LAG, scrape } from '../../support/scrape.js';
import type { Project, Way } from './project.js';

const FREEZE_MS = 3000;
const NPM_INSTALL = 'npm install --prefer-offline --no-audit --no-fund --no-package-lock --loglevel error';
const TARBALL = 'event-loop-watchdog.tgz';

export interface Home {
  /** The project's folder. */
  readonly path: string;
  /** The version of the project's tool; '' if it has none. */
  readonly version: string;
}

/** Makes the project and installs what it needs. */
export function makeHome(project: Project, tarball: string): Home {
  const home = mkdtempSync(join(tmpdir(), 'watchdog-matrix-'));
  const path = join(home, 'app');
  mkdirSync(path);
  copyFileSync(tarball, join(path, TARBALL));
  if (project.tools) {
    write(home, { 'package.json': JSON.stringify({ private: true, dependencies: project.tools }) });
    shell(NPM_INSTALL, home);
  }
  const dependencies = { 'event-loop-watchdog': `file:./${TARBALL}`, ...project.dependencies };
  const manifest = { name: 'app', version: '1.0.0', private: true, ...project.manifest, dependencies };
  write(path, { 'package.json': JSON.stringify(manifest), ...project.files });
  shell(project.install ?? NPM_INSTALL, path);
  const { [project.tool ?? '']: version = '' } = { ...project.dependencies, ...project.tools };
  return { path, version };
}

/** Fails if the watchdog goes dark, or blames another line. */
export async function runWay(project: Project, way: Way, home: string, node: string = NODE): Promise<void> {
  write(home, { ...way.files });
  const port = await freePort(1 + (way.processes ?? 1));
  const env = { PORT: String(port), WATCHDOG_PORT: String(port + 1) };
  if (way.build) shell(way.build, home, node);
  const app = start(way.start, home, node, env);
  const files = { ...project.files, ...way.files };
  // Not as long as one is patient otherwise.
  const died = app.exited.then((code) => Promise.reject(new Error(`it ended, with exit code ${code}`)));
  died.catch(() => {});
  try {
    await Promise.race([freezeEach(way, port, home, files), died]);
    if (way.reload) {
      shell(way.reload, home, node, env);
      await freezeEach(way, port, home, files);
    }
    if (way.ends) await end(app, port);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${app.printed()}`);
  } finally {
    if (way.stop) shell(way.stop, home, node, env);
    await app.kill();
  }
}

async function end(app: App, port: number): Promise<void> {
  await get(port, '/end');
  expect(await app.exited).toBe(0);
}

async function freezeEach(
  way: Way,
  port: number,
  home: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  const { processes = 1 } = way;
  const urls = Array.from({ length: processes }, (_, i) => `http://127.0.0.1:${port + 1 + i}`);
  await eventually(() => get(port, '/'), 'the app serves');
  for (const url of urls) await eventually(() => scrape(url), 'the watchdog serves');
  const frozen = new Set<string>();
  // Who of several takes a request is for their master to say.
  for (let tries = 0; frozen.size < urls.length && tries < 5 * urls.length; tries++) {
    const { url, told } = await freeze(port, urls);
    expectCulprit(told, way, home, files);
    frozen.add(url);
  }
  expect(frozen.size).toBe(urls.length);
}

/** By a connection of its own: what is kept alive always goes to the same process. */
async function get(port: number, path: string): Promise<string> {
  const [response] = await once(request({ port, path, agent: false }).end(), 'response');
  expect(response.statusCode).toBe(200);
  return (await (response as IncomingMessage).toArray()).join('');
}

/** Freezes one of the processes. Which one it was, and whom it blames. */
async function freeze(
  port: number,
  urls: readonly string[],
): Promise<{ url: string; told: Frame | undefined }> {
  const before = new Map<string, number>();
  for (const url of urls) before.set(url, (await stallsOf(url)).length);
  let over = false;
  const response = get(port, '/freeze').finally(() => {
    over = true;
  });
  const lags = new Map<string, number[]>(urls.map((url) => [url, []]));
  while (!over) {
    // One that were dark would keep us here until the freeze is over.
    for (const [url, told] of lags) told.push((await scrape(url)).value(LAG));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await response;
  const url = urls.toSorted((a, b) => highest(lags.get(b)) - highest(lags.get(a)))[0] as string;
  const rising = (lags.get(url) ?? []).filter((lag) => lag > 0.3);
  // On a busy machine a scrape takes long, too.
  expect(rising.length).toBeGreaterThan(1);
  expect(rising).toEqual(rising.toSorted((a, b) => a - b));
  expect(highest(rising)).toBeGreaterThan(FREEZE_MS / 1000 / 2);
  const stall = await eventually(async () => {
    const stalls = await stallsOf(url);
    return stalls.length > (before.get(url) ?? 0) ? stalls.find(isOurs) : undefined;
  }, 'the stall is told of');
  return { url, told: stall.culprit };
}

interface Told {
  readonly durationMs: number;
  readonly culprit?: Frame;
}

const highest = (lags: readonly number[] = []): number => Math.max(0, ...lags);
const isOurs = ({ durationMs }: Told): boolean => durationMs > FREEZE_MS - 100;

async function stallsOf(url: string): Promise<readonly Told[]> {
  const { stalls } = (await (await fetch(`${url}/api/stalls`)).json()) as { stalls: Told[] };
  return stalls.filter(isOurs);
}

function expectCulprit(
  told: Frame | undefined,
  { culprit }: Way,
  home: string,
  files: Readonly<Record<string, string>>,
): void {
  if (told === undefined || culprit === undefined) {
    expect(told?.file).toBe(culprit);
    return;
  }
  // In an executable, as it was named when that was made.
  const where = relative(home, resolve(home, told.file));
  const source = files[culprit];
  if (source !== undefined) {
    const line = 1 + source.split('\n').findIndex((text) => text.includes('FREEZES'));
    expect(`${where}:${told.line}`).toBe(`${culprit}:${line}`);
    return;
  }
  if (/:\d+$/.test(culprit)) {
    expect(`${where}:${told.line}`).toBe(culprit);
    return;
  }
  if (culprit.endsWith('/')) expect(where.startsWith(culprit), where).toBe(true);
  else expect(where).toBe(culprit);
  const line = readFileSync(resolve(home, told.file), 'utf8').split('\n')[told.line - 1] ?? '';
  expect(line.slice(Math.max(0, told.column - 40), told.column + 40)).toContain('Date.now()');
}

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** The environment of a user who has a project in `home`, and of nobody's tests. */
function environment(home: string, node: string): NodeJS.ProcessEnv {
  const path = [
    dirname(node),
    join(home, 'node_modules/.bin'),
    join(home, '../node_modules/.bin'),
    process.env.PATH,
  ];
  return {
    PATH: path.join(delimiter),
    HOME: process.env.HOME,
    PM2_HOME: join(home, '../pm2'),
    NEXT_TELEMETRY_DISABLED: '1',
  };
}

function shell(command: string, home: string, node: string = NODE, env: NodeJS.ProcessEnv = {}): void {
  try {
    execFileSync('sh', ['-c', command], {
      cwd: home,
      env: { ...environment(home, node), ...env },
      encoding: 'utf8',
      stdio: 'pipe',
      timeout: 300_000,
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    // Without what caused it, which says the same again.
    throw new Error(`${command}\n${tail(stdout + stderr)}`);
  }
}

interface App {
  readonly exited: Promise<number | null>;
  /** The end of what it has printed. */
  printed(): string;
  kill(): Promise<void>;
}

function start(command: string, home: string, node: string, env: NodeJS.ProcessEnv): App {
  // A group of its own: it may start others, and all must end.
  const app: ChildProcess = spawn('sh', ['-c', command], {
    cwd: home,
    env: { ...environment(home, node), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let text = '';
  for (const stream of [app.stdout, app.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text = tail(text + chunk);
    });
  }
  const exited = once(app, 'close').then(([code]) => code as number | null);
  return {
    exited,
    printed: () => text,
    async kill() {
      try {
        process.kill(-(app.pid as number), 'SIGKILL');
      } catch {
        // All have ended.
      }
      await exited;
    },
  };
}

const tail = (text: string): string => text.slice(-2000);
