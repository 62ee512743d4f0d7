// A worker thread of its own event loop, watched like the main thread: it freezes for three seconds now and
// then, the main thread does not. Run it:
//
//   node examples/threads.mjs
//
// Then see the series with thread="indexer": curl localhost:9464/metrics
import { isMainThread, Worker } from 'node:worker_threads';
import { startWatchdog, watchThread } from 'event-loop-watchdog';

if (isMainThread) {
  const watchdog = startWatchdog(Number(process.env.WATCHDOG_PORT ?? 9464), { log: false });
  watchdog.on('stall', ({ thread, cause, durationMs }) => {
    console.log(`stall: ${thread} ${cause} ${Math.round(durationMs)} ms`);
  });
  new Worker(new URL(import.meta.url));
  const { url } = await watchdog.ready;
  console.log(`metrics: ${url}/metrics`);
} else {
  await watchThread('indexer').ready;
  setInterval(rebuildIndex, 5000);
}

function rebuildIndex() {
  for (const until = Date.now() + 3000; Date.now() < until; );
}
