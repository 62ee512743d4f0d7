import { setTimeout } from 'node:timers/promises';
import type { Call } from './call.js';
import { createProcesses, type Processes } from './processes.js';
import { openScreen } from './screen.js';
import { type Look, linesOfTop } from './top-view.js';

const EVERY_MS = 1000;
const ANSWERED_BY_MS = 500;
/** A terminal that does not say how large it is, as `kubectl exec` may leave it. */
const [WIDTH, HEIGHT] = [80, 24];

export async function top(call: Call): Promise<number | undefined> {
  const { base, ask, env, json } = call;
  const ending = new AbortController();
  const processes = createProcesses(base, ask, () => performance.now(), ending.signal);
  await processes.list();
  if (json || !process.stdout.isTTY || env.TERM === 'dumb') {
    await processes.look();
    return once(call, processes);
  }
  try {
    return await watch(call, processes);
  } finally {
    ending.abort();
  }
}

function once({ json, env, print }: Call, processes: Processes): number | undefined {
  const all = processes.now();
  if (json) {
    const lines = all.map(({ url, pid, app, worker, status, trouble }) =>
      JSON.stringify({ url: url.origin, pid: Number(pid), app, worker, status, error: trouble }),
    );
    print(`[\n${lines.join(',\n')}\n]\n`);
  } else {
    const width = columnsOf(env);
    print(`${linesOfTop(all, '', width === undefined ? {} : { width }).join('\n')}\n`);
  }
  return all.every(({ trouble }) => trouble !== undefined) ? 1 : undefined;
}

async function watch({ base, env }: Call, processes: Processes): Promise<number> {
  let failure: string | undefined;
  let listing = false;
  const list = async (): Promise<void> => {
    if (listing) return;
    listing = true;
    failure = await processes.list().then(
      () => undefined,
      (error: Error) => error.message,
    );
    listing = false;
  };
  /** Most have answered by then; one that does not is not waited for. */
  const look = (): Promise<void> =>
    Promise.race([processes.look(), setTimeout(ANSWERED_BY_MS, undefined, { ref: false })]);
  await look();

  const screen = openScreen(process.stdin, process.stdout, draw);
  function draw(): void {
    const heading =
      failure ??
      `${base.host}  ${new Date().toISOString().slice(11, 19)} UTC  ${process.stdin.isTTY ? 'q' : 'Ctrl-C'} quits`;
    screen.draw(linesOfTop(processes.now(), heading, lookOf(env)));
  }
  let timer: NodeJS.Timeout | undefined;
  // A fault of ours is told once the terminal is what it was.
  const failed = new Promise<never>((_resolve, reject) => {
    timer = setInterval(() => {
      void list();
      look().then(draw).catch(reject);
    }, EVERY_MS);
  });
  try {
    draw();
    return await Promise.race([screen.ended, failed]);
  } finally {
    clearInterval(timer);
    screen.leave();
  }
}

function lookOf(env: Call['env']): Look {
  const { columns, rows } = process.stdout;
  return {
    // As told, but not wider than there is room for.
    width: Math.min(columns || WIDTH, columnsOf(env) ?? Number.POSITIVE_INFINITY),
    height: rows || HEIGHT,
    color: !env.NO_COLOR,
  };
}

function columnsOf({ COLUMNS = '' }: Call['env']): number | undefined {
  return /^[1-9]\d*$/.test(COLUMNS) ? Number(COLUMNS) : undefined;
}
