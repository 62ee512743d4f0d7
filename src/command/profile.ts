import { accessSync, closeSync, constants, existsSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Call } from './call.js';
import { type Answer, jsonLine, readJson } from './client.js';
import { CommandError } from './error.js';
import { stateIfKnown, underWay } from './state.js';
import { bytes } from './words.js';

const SECONDS = 5;
/** What the sidecar may take besides. */
const GRACE_MS = 10_000;
const STANDARD_OUTPUT = '-';

export async function profile(call: Call): Promise<undefined> {
  const { base, output, json, print } = call;
  const toFile = output !== STANDARD_OUTPUT;
  // Before it is taken: what comes of five seconds is not to be lost to a name that will not do.
  if (toFile) checkFile(output);
  const answer = await (call.stall === undefined ? take(call) : ofStall(call, call.stall));
  readJson<{ nodes: unknown; samples: unknown }>(
    base,
    answer,
    ({ nodes, samples }) => Array.isArray(nodes) && Array.isArray(samples),
  );
  if (!toFile) {
    print(jsonLine(answer));
    return;
  }
  const file = save(answer.body, output, nameOf(answer, call.stall, new Date()));
  const size = Buffer.byteLength(answer.body);
  print(
    json ? `${JSON.stringify({ file, bytes: size })}\n` : `Saved ${file} (${bytes(size)})\n${HOW_TO_OPEN}\n`,
  );
}

const HOW_TO_OPEN =
  'To open it: Chrome DevTools, tab Performance, "Load profile"; VS Code; or https://www.speedscope.app';

async function take({ ask, base, seconds = SECONDS, thread }: Call): Promise<Answer> {
  const query = new URLSearchParams({ seconds: String(seconds), ...(thread !== undefined && { thread }) });
  const hush = showProgress(thread ?? 'main', seconds);
  try {
    return await ask(base, {
      method: 'POST',
      path: `/debug/cpu-profile?${query}`,
      timeoutMs: seconds * 1000 + GRACE_MS,
    });
  } finally {
    hush();
  }
}

async function ofStall({ ask, base }: Call, id: string): Promise<Answer> {
  try {
    return await ask(base, { method: 'GET', path: `/api/stalls/${id}/profile` });
  } catch (error) {
    const running = underWay(await stateIfKnown(ask, base));
    if (!running.some((stall) => stall.id === id)) throw error;
    throw new CommandError('That stall is not over: until then `profile` without --stall takes one of it.');
  }
}

/** Counts down, for people. Returns what ends it. */
function showProgress(thread: string, seconds: number): () => void {
  const { stderr } = process;
  if (!stderr.isTTY) return () => {};
  let left = seconds;
  const show = (): void => {
    const rest = left > 0 ? `${left.toFixed(0)} s` : 'any moment';
    stderr.write(`\r\u001b[KProfiling ${JSON.stringify(thread)}: ${rest}`);
    left -= 1;
  };
  show();
  const timer = setInterval(show, 1000);
  return () => {
    clearInterval(timer);
    stderr.write('\r\u001b[K');
  };
}

function checkFile(output: string | undefined): void {
  if (output !== undefined && existsSync(output)) throw isThere(resolve(output));
  const folder = output === undefined ? process.cwd() : dirname(resolve(output));
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    throw new CommandError(`${folder} cannot be written. ${ELSEWHERE}`);
  }
}

const ELSEWHERE = 'Elsewhere: --output /tmp/app.cpuprofile, or --output - for standard output.';
const isThere = (file: string): CommandError =>
  new CommandError(`${file} is there already, and is not overwritten: name another by --output.`);

/** Of what the sidecar calls it only thread and process are taken: a name from elsewhere may be a path. */
export function nameOf({ headers }: Pick<Answer, 'headers'>, stall: string | undefined, at: Date): string {
  if (stall !== undefined) return `stall-${stall}`;
  const [, who = 'profile'] =
    /filename="([\w.-]+-\d+)-\d+\.cpuprofile"/.exec(headers['content-disposition'] ?? '') ?? [];
  return `${who.replace(/^\.+/, '')}-${at.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
}

/** Never over a file that is there: one of our own naming gets a number, one that was asked for is refused. */
function save(text: string, output: string | undefined, name: string): string {
  for (let number = 1; ; number++) {
    const file = resolve(output ?? `${name}${number === 1 ? '' : `-${number}`}.cpuprofile`);
    if (writeNew(file, text)) return file;
    if (output !== undefined) throw isThere(file);
  }
}

/** @returns whether there was none of this name */
function writeNew(file: string, text: string): boolean {
  let opened: number | undefined;
  try {
    opened = openSync(file, 'wx');
    writeFileSync(opened, text);
    return true;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    // Half a profile is none, and would be in the way of the next.
    if (opened !== undefined) rmSync(file, { force: true });
    throw new CommandError(`${file} cannot be written: ${message}. ${ELSEWHERE}`);
  } finally {
    if (opened !== undefined) closeSync(opened);
  }
}
