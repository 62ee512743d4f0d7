// A Fastify app under watch. Its hook closes the watchdog after the last request is answered.
//
//   PORT=3000 node examples/frameworks/fastify.mjs
//   curl http://127.0.0.1:3000/report &                          # blocks the app for two seconds
//   curl -s http://127.0.0.1:9464/metrics | grep lag_seconds     # answers all the same
import { startWatchdog } from 'event-loop-watchdog';
import Fastify from 'fastify';

const watchdog = startWatchdog(Number(process.env.WATCHDOG_PORT ?? 9464));

const app = Fastify();
app.addHook('onClose', () => watchdog.close());
app.get('/', () => 'hello\n');
app.get('/report', () => {
  const until = performance.now() + 2000;
  while (performance.now() < until);
  return 'report\n';
});

process.once('SIGTERM', () => app.close());
console.log(`app: ${await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' })}`);
console.log(`metrics: ${(await watchdog.ready).url}/metrics`);
