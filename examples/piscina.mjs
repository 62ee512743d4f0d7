// Two pools under watch: worker threads (Piscina), and any other pool by a function that reads it (here
// p-queue).
//
//   node examples/piscina.mjs
//   watch -n 0.2 'curl -s http://127.0.0.1:9464/metrics | grep ^watchdog_pool_'
import { setTimeout } from 'node:timers/promises';
import { startWatchdog } from 'event-loop-watchdog';
import PQueue from 'p-queue';
import { Piscina } from 'piscina';

const watchdog = startWatchdog(Number(process.env.WATCHDOG_PORT ?? 9464));

const filename = new URL('tasks/resize.mjs', import.meta.url).href;
const images = new Piscina({ filename, minThreads: 2, maxThreads: 2 });
// What its threads run is read from them directly, even while this thread is blocked.
watchdog.watchPool(images, 'images');

const mails = new PQueue({ concurrency: 4 });
watchdog.watchPool('mails', () => ({
  capacity: mails.concurrency,
  active: mails.pending,
  queued: mails.size,
}));

// More work than either pool can begin at once: some of it waits.
setInterval(() => {
  for (let n = 0; n < 6; n++) {
    images.run(`photo-${n}.jpg`);
    mails.add(() => setTimeout(300));
  }
}, 1000);

const { url } = await watchdog.ready;
console.log(`metrics: ${url}/metrics`);
