// Holds and idles as the seed argv[3] has it for argv[4] seconds, beside the tool argv[2], and prints as JSON
// what the tool tells of that time and what was true of it, in milliseconds; of the watchdog Prometheus tells.
import { once } from 'node:events';
import { readFile, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ofTurns } from './accuracy.math.mjs';

const [tool, seed, seconds] = process.argv.slice(2);
const STALL_MS = 100;
/** Timers fire on whole milliseconds. */
const TIMER_SLACK_MS = 2;

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function createRandom(from) {
  let state = Number(from) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
const random = createRandom(seed);
const between = (low, high) => low + random() * (high - low);
/** What was planned so far: all tools get the same, however long a busy machine takes for it. */
let plannedMs = 0;
let lateMs = 0;
async function idle(low, high) {
  const ms = between(low, high);
  plannedMs += ms;
  const due = performance.now() + ms;
  await sleep(ms);
  // Without a CPU the loop is late before the turn begins, and that is a wait like any other.
  lateMs = performance.now() - due > TIMER_SLACK_MS ? performance.now() - due : 0;
}
/** As many short ones as long ones, and none so near the threshold that a millisecond decides. */
function holdMs() {
  const ms = 2 * 150 ** random();
  const clear = ms > 0.9 * STALL_MS && ms < 1.1 * STALL_MS ? 0.8 * STALL_MS : ms;
  plannedMs += clear;
  return clear;
}

/** How late each turn that did something began, and how long it held the loop: the truth. */
const turns = [];
function hold() {
  const from = performance.now();
  const until = from + holdMs();
  while (performance.now() < until);
  turns.push({ lateMs, heldMs: performance.now() - from });
  lateMs = 0;
}

/** For how long this thread was runnable, but without a CPU; NaN where the system does not tell. */
function waitedMs() {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return Number.NaN;
  }
}

/** What apps do. After each the loop has turned. */
const deeds = [
  async () => {
    await idle(2, 150);
    hold();
  },
  // Turn after turn without idling.
  async () => {
    for (let left = between(2, 6); left > 0; left--) {
      await new Promise((resolve) => setImmediate(resolve));
      hold();
    }
  },
  // A timer, idling, then I/O: three things that one round of the loop may hold.
  async () => {
    await idle(2, 40);
    hold();
    await new Promise((resolve) => readFile(process.argv[1], resolve));
    hold();
  },
  // In one turn, one behind the other.
  async () => {
    await idle(20, 100);
    hold();
    await null;
    hold();
    const { heldMs } = turns.pop();
    turns.at(-1).heldMs += heldMs;
  },
];

const fromNs = (histogram, less = 0) => ({
  mean: histogram.mean / 1e6 - less,
  p50: histogram.percentile(50) / 1e6 - less,
  p90: histogram.percentile(90) / 1e6 - less,
  p99: histogram.percentile(99) / 1e6 - less,
});

/** Each begins, and returns a function that tells of the time since. */
const TOOLS = {
  async 'event-loop-watchdog'() {
    const { startWatchdog } = await import('../../dist/index.js');
    const watchdog = startWatchdog(0, { log: false, host: '127.0.0.1' });
    const { port } = await watchdog.ready;
    await sleep(1000);
    // Who started this process has it scraped, now and when it has told what was true.
    process.send({ port });
    await once(process, 'message');
    return () => ({});
  },
  async monitorEventLoopDelay() {
    const { monitorEventLoopDelay } = await import('node:perf_hooks');
    const histogram = monitorEventLoopDelay({ resolution: 10 });
    histogram.enable();
    await sleep(1000);
    histogram.reset();
    return () => fromNs(histogram, 10);
  },
  async 'prom-client'() {
    const { default: client } = await import('prom-client');
    client.collectDefaultMetrics();
    await sleep(1000);
    await client.register.metrics();
    return async () => {
      const text = await client.register.metrics();
      const lag = (which) =>
        1000 * Number(new RegExp(`^nodejs_eventloop_lag_${which}_seconds (\\S+)`, 'm').exec(text)[1]);
      return { mean: lag('mean'), p50: lag('p50'), p90: lag('p90'), p99: lag('p99') };
    };
  },
  async OpenTelemetry() {
    const { MeterProvider, MetricReader } = await import('@opentelemetry/sdk-metrics');
    const { RuntimeNodeInstrumentation } = await import('@opentelemetry/instrumentation-runtime-node');
    class Reader extends MetricReader {
      async onForceFlush() {}
      async onShutdown() {}
    }
    const reader = new Reader();
    const instrumentation = new RuntimeNodeInstrumentation();
    instrumentation.setMeterProvider(new MeterProvider({ readers: [reader] }));
    await sleep(1000);
    await reader.collect();
    return async () => {
      const { resourceMetrics } = await reader.collect();
      const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
      const delay = (which) =>
        1000 *
        metrics.find(({ descriptor }) => descriptor.name === `nodejs.eventloop.delay.${which}`).dataPoints[0]
          .value;
      return { mean: delay('mean'), p50: delay('p50'), p90: delay('p90'), p99: delay('p99') };
    };
  },
  async blocked() {
    const { default: blocked } = await import('blocked');
    let stalls = 0;
    blocked(() => stalls++, { threshold: STALL_MS });
    await sleep(1000);
    stalls = 0;
    return () => ({ stalls });
  },
  async 'blocked-at'() {
    const { default: blocked } = await import('blocked-at');
    let stalls = 0;
    blocked(() => stalls++, { threshold: STALL_MS });
    await sleep(1000);
    stalls = 0;
    return () => ({ stalls });
  },
  async 'toobusy-js'() {
    const { default: toobusy } = await import('toobusy-js');
    let stalls = 0;
    toobusy.onLag(() => stalls++, STALL_MS);
    await sleep(1000);
    stalls = 0;
    return () => ({ stalls });
  },
};

const tell = await TOOLS[tool]();
const from = performance.now();
const waitedBefore = waitedMs();
while (plannedMs < 1000 * seconds) await deeds[Math.floor(random() * deeds.length)]();
// The last turn ends.
await sleep(1);
const wallMs = performance.now() - from;
const waited = (waitedMs() - waitedBefore) / wallMs;
const told = await tell();
const delays = turns.map(({ lateMs, heldMs }) => lateMs + heldMs);
const stalls = turns.filter(({ heldMs }) => heldMs >= STALL_MS).length;
const result = { told, truth: { ...ofTurns(delays, wallMs), stalls }, waited };
if (process.send) {
  process.send({ ...result, delays });
  await once(process, 'message');
} else console.log(JSON.stringify(result));
process.exit();
