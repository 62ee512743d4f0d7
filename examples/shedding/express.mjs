// An Express app that turns requests away early when it has too many, and so answers the others in time.
//
//   PORT=3000 node examples/shedding/express.mjs                    # with SHEDDING=off to see what it is good for
//   node examples/shedding/load.mjs http://127.0.0.1:3000/report    # four times more than the app can do
import { startWatchdog } from 'event-loop-watchdog';
import express from 'express';
import { createShedder } from './shedding.mjs';

const watchdog = startWatchdog(Number(process.env.WATCHDOG_PORT ?? 9464), { log: false });
const shouldShed = process.env.SHEDDING === 'off' ? () => false : createShedder(watchdog);

const app = express();
// Before all that costs something, and after what is never turned away.
app.get('/healthz', (_request, response) => response.send('ok\n'));
app.use((_request, response, next) => {
  if (shouldShed()) response.status(503).set('Retry-After', '2').send('too busy\n');
  else next();
});
app.get('/report', (_request, response) => {
  const until = performance.now() + 20;
  while (performance.now() < until);
  response.send('report\n');
});

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', async (error) => {
  if (error) throw error;
  console.log(`app: http://127.0.0.1:${server.address().port}`);
  console.log(`metrics: ${(await watchdog.ready).url}/metrics`);
});
