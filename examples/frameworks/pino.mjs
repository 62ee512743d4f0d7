// Stalls in the app's own log: pino, with structured fields, and a level by how long the loop was held.
//
//   node examples/frameworks/pino.mjs
//
// An error tracker of Sentry's kind wants an Error instead. It is given the stack of the stall, not that of
// this listener:
//
//   watchdog.on('stall', ({ stacks, ...stall }) => {
//     const error = new Error(`${stall.cause} in ${stall.culprit?.function ?? 'code that was not seen'}`);
//     error.name = 'EventLoopStalled';
//     const frames = stacks.find((look) => look.frames.length > 0)?.frames ?? [];
//     const lines = frames.map((at) => `    at ${at.function} (${at.file}:${at.line}:${at.column})`);
//     error.stack = [`${error.name}: ${error.message}`, ...lines].join('\n');
//     Sentry.captureException(error, { fingerprint: [stall.fingerprint], extra: { stall } });
//   });
import { startWatchdog } from 'event-loop-watchdog';
import pino from 'pino';

const log = pino({ level: 'debug' });
// What the sidecar would write to standard error by itself is not wanted twice.
const watchdog = startWatchdog(Number(process.env.WATCHDOG_PORT ?? 9464), { log: false });

const levelOf = (ms) => (ms >= 1000 ? 'error' : ms >= 250 ? 'warn' : 'info');
watchdog.on('stall', ({ stacks, ...stall }) => {
  log[levelOf(stall.durationMs)]({ stall }, 'event loop stalled');
});

function buildReport(ms) {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
const lengths = [1200, 150, 500];
let reports = 0;
setInterval(() => buildReport(lengths[reports++ % lengths.length]), 2500);

const { url } = await watchdog.ready;
log.info({ metrics: `${url}/metrics` }, 'watching');
