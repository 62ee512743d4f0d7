// The least that it takes: a loop that is blocked for one second in three, and a sidecar that tells of it
// meanwhile.
//
//   node examples/basic.mjs
//   watch -n 0.2 'curl -s http://127.0.0.1:9464/metrics | grep lag_seconds'    # grows while the loop is blocked
import { startWatchdog } from 'event-loop-watchdog';

const watchdog = startWatchdog(Number(process.env.WATCHDOG_PORT ?? 9464));
watchdog.on('stall', ({ durationMs, cause }) => {
  console.log(`stall: ${Math.round(durationMs)} ms, cause ${cause}`);
});

function buildReport() {
  const until = performance.now() + 1000;
  while (performance.now() < until);
}
setInterval(buildReport, 3000);

const { url } = await watchdog.ready;
console.log(`metrics: ${url}/metrics`);
