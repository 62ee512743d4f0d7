// Stalls in the app's own log: pino, with structured fields, and a level by how long the loop was held.
//
//   node examples/frameworks/pino.mjs
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
