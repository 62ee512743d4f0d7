// From the start of a stall of 3 s until it can be seen from outside of the process, and until its stack can: by the
// sidecar's port, and by the events that Sentry's thread sends. Those who tell when it is over are there for
// comparison.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { installPeers } from './kit/peers.mjs';
import { keep, printTable } from './kit/results.mjs';
import { median } from './kit/variants.mjs';

const ROUNDS = 5;
const STALL_MS = 3000;
const SETTLE_MS = 2000;
const EVERY_MS = 10;
/** A round that tells nothing by then tells nothing. */
const WITHIN_MS = STALL_MS + 3000;
const GZIP_MAGIC = 0x1f;
/** Name of the function that is to blame. */
const CULPRIT = 'computeReport';
const NAMES = [
  'event-loop-watchdog',
  'Sentry eventLoopBlock (100 ms)',
  'Sentry eventLoopBlock (1000 ms, its default)',
  'blocked-at',
];

const CHILD = fileURLToPath(new URL('detection.child.mjs', import.meta.url));
const unixMs = () => performance.timeOrigin + performance.now();

/** Where Sentry's events go to. */
let onEvent = () => {};
const sink = createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray());
  response.end('{}');
  onEvent(body[0] === GZIP_MAGIC ? gunzipSync(body).toString() : body.toString());
});
sink.listen(0, '127.0.0.1');
await once(sink, 'listening');

/** Asks the sidecar until it tells of a stall, and of who is to blame. */
async function askSidecar(url, seen) {
  for (; !seen.over; await sleep(EVERY_MS)) {
    const [main] = (await (await fetch(`${url}/api/state`)).json()).loops;
    if (main.stall) seen.at ??= unixMs();
    if (main.stall?.culprit?.function === CULPRIT) seen.stackAt ??= unixMs();
  }
}

async function round(name) {
  const child = fork(CHILD, [name, String(STALL_MS), String(sink.address().port)]);
  const [{ url }] = await once(child, 'message');
  /** @type {{ at?: number, stackAt?: number, over?: boolean }} */
  const seen = {};
  onEvent = (text) => {
    if (/event ?loop ?blocked/i.test(text)) seen.at ??= unixMs();
    if (text.includes(CULPRIT)) seen.stackAt ??= unixMs();
  };
  await sleep(SETTLE_MS);
  child.send('freeze');
  const [{ startedAt }] = await once(child, 'message');
  child.on('message', () => {
    seen.at = seen.stackAt = unixMs();
  });
  const asked = url && askSidecar(url, seen);
  for (const until = unixMs() + WITHIN_MS; !seen.stackAt && unixMs() < until; ) await sleep(EVERY_MS);
  seen.over = true;
  await asked;
  child.kill('SIGKILL');
  await once(child, 'exit');
  return { visibleMs: seen.at - startedAt, stackMs: seen.stackAt - startedAt };
}

installPeers();
const runs = Object.fromEntries(NAMES.map((name) => [name, []]));
for (let n = 0; n < ROUNDS; n++) for (const name of NAMES) runs[name].push(await round(name));
sink.close();
const figures = NAMES.map((name) => {
  const of = (key) => runs[name].map((run) => run[key]);
  return {
    name,
    visibleMs: median(of('visibleMs')),
    visibleMostMs: Math.max(...of('visibleMs')),
    stackMs: median(of('stackMs')),
    stackMostMs: Math.max(...of('stackMs')),
  };
});
printTable(
  `A stall of ${STALL_MS / 1000} s: ms from its start until it is seen outside (median and most of ${ROUNDS}, Node ` +
    `${process.version})`,
  ['', 'seen', 'most', 'with its stack', 'most'],
  figures.map(({ name, ...ms }) => [name, ...Object.values(ms).map((value) => value.toFixed(0))]),
);
keep('detection', figures);
