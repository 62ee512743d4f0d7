// A Fastify app that turns requests away early when it has too many, and so answers the others in time.
//
//   PORT=3000 node examples/shedding/fastify.mjs                    # with SHEDDING=off to see what it is good for
//   node examples/shedding/load.mjs http://127.0.0.1:3000/report    # four times more than the app can do
import { startWatchdog } from 'event-loop-watchdog';
import { shedLoad } from 'event-loop-watchdog/fastify';
import Fastify from 'fastify';

const watchdog = startWatchdog(Number(process.env.WATCHDOG_PORT ?? 9464), { log: false });

const app = Fastify();
// Before all else that costs something. Its hook runs first, and for all routes, also for those above it.
if (process.env.SHEDDING !== 'off') await app.register(shedLoad, { except: ({ url }) => url === '/healthz' });
app.get('/healthz', () => 'ok\n');
app.get('/report', () => {
  const until = performance.now() + 20;
  while (performance.now() < until);
  return 'report\n';
});

console.log(`app: ${await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' })}`);
console.log(`metrics: ${(await watchdog.ready).url}/metrics`);
