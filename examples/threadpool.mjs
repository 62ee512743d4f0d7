// libuv's thread pool, full: password hashes take all of its four threads, and a small file has to wait for
// one, while the event loop idles. Run it:
//
//   node examples/threadpool.mjs
//
// Then see who waits: curl -s localhost:9464/metrics | grep watchdog_threadpool
import { pbkdf2 } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { startWatchdog } from 'event-loop-watchdog';

const watchdog = startWatchdog(Number(process.env.WATCHDOG_PORT ?? 9464));
const { url } = await watchdog.ready;
console.log(`metrics: ${url}/metrics`);

for (;;) {
  // Logins at breakfast time.
  for (let i = 0; i < 40; i++) pbkdf2('password', 'salt', 200_000, 64, 'sha512', () => {});
  const from = performance.now();
  await readFile(new URL(import.meta.url));
  console.log(`file: ${Math.round(performance.now() - from)} ms`);
  await new Promise((resolve) => setTimeout(resolve, 5000));
}
