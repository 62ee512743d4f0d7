// An Express app that turns requests away early when it has too many, and so answers the others in time.
//
//   PORT=3000 node examples/shedding/express.mjs                    # with SHEDDING=off to see what it is good for
//   node examples/shedding/load.mjs http://127.0.0.1:3000/report    # four times more than the app can do
import { startWatchdog } from 'event-loop-watchdog';
import { shedLoad } from 'event-loop-watchdog/express';
import express from 'express';

const watchdog = startWatchdog(Number(process.env.WATCHDOG_PORT ?? 9464), { log: false });

const app = express();
// Before all that costs something, and after what is never turned away.
app.get('/healthz', (_request, response) => response.send('ok\n'));
if (process.env.SHEDDING !== 'off') app.use(shedLoad());
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
