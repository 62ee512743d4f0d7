// A Fastify app that turns requests away early when it has too many, and so answers the others in time.
//
//   PORT=3000 node examples/shedding/fastify.mjs                    # with SHEDDING=off to see what it is good for
//   node examples/shedding/load.mjs http://127.0.0.1:3000/report    # four times more than the app can do
import { startWatchdog } from 'event-loop-watchdog';
import Fastify from 'fastify';
import { createShedder } from './shedding.mjs';

const watchdog = startWatchdog(Number(process.env.WATCHDOG_PORT ?? 9464), { log: false });
const shouldShed = process.env.SHEDDING === 'off' ? () => false : createShedder(watchdog);

const app = Fastify();
// The first hook of all: before the body is read, and before all else that costs something.
app.addHook('onRequest', async (request, reply) => {
  if (request.url === '/healthz') return; // Never turned away.
  if (shouldShed()) await reply.code(503).header('Retry-After', '2').send('too busy\n');
});
app.get('/healthz', () => 'ok\n');
app.get('/report', () => {
  const until = performance.now() + 20;
  while (performance.now() < until);
  return 'report\n';
});

console.log(`app: ${await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' })}`);
console.log(`metrics: ${(await watchdog.ready).url}/metrics`);
