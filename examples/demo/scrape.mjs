// Scrapes an endpoint the way a monitoring server does: with a timeout, and never mind who is at fault.
import { once } from 'node:events';
import { get } from 'node:http';
import { text } from 'node:stream/consumers';

export const TIMEOUT_MS = 500;

/** Never rejects: without an answer `text` is undefined. `startedAt` and `endedAt` are times of day, in ms since 1970. */
export async function scrape(url) {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const startedAt = Date.now();
  const from = performance.now();
  const answer = await ask(url, signal).catch(() => undefined);
  const ms = performance.now() - from;
  return {
    startedAt,
    endedAt: Date.now(),
    ms,
    text: answer,
    timedOut: answer === undefined && signal.aborted,
  };
}

async function ask(url, signal) {
  // A connection of its own for each scrape: it is answered by a server that accepts, not by one that did once.
  const request = get(url, { agent: false, signal });
  request.on('error', () => {}); // An answer cut off in the middle makes two errors; the other one is awaited below.
  const [response] = await once(request, 'response');
  const body = await text(response);
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
  return body;
}

/** What all threads of the app are at, as text for people; `undefined` without an answer. Never rejects. */
export async function dumpThreads(metricsUrl) {
  try {
    const answer = await fetch(new URL('/debug/threads?format=text', metricsUrl), { method: 'POST' });
    return answer.ok ? await answer.text() : undefined;
  } catch {
    return undefined;
  }
}

/** What the demo shows of the sidecar's answer. */
export function readValues(answer) {
  return {
    lagSeconds: sumOf(answer, 'watchdog_eventloop_lag_seconds'),
    stalledSeconds: sumOf(answer, 'watchdog_stall_seconds_total'),
    poolActive: sumOf(answer, 'watchdog_pool_active'),
    poolCapacity: sumOf(answer, 'watchdog_pool_capacity'),
    poolQueued: sumOf(answer, 'watchdog_pool_queue_size'),
    poolStarvedSeconds: sumOf(answer, 'watchdog_pool_dispatch_blocked_seconds_total'),
  };
}

/** The sum over all series of a metric. */
function sumOf(answer, name) {
  return answer
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}
