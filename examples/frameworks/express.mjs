// An Express app under watch. The watchdog is closed after the last request is answered.
//
//   PORT=3000 node examples/frameworks/express.mjs
//   curl http://127.0.0.1:3000/report &                          # blocks the app for two seconds
//   curl -s http://127.0.0.1:9464/metrics | grep lag_seconds     # answers all the same
import { startWatchdog } from 'event-loop-watchdog';
import express from 'express';

const watchdog = startWatchdog(Number(process.env.WATCHDOG_PORT ?? 9464));

const app = express();
app.get('/', (_request, response) => response.send('hello\n'));
app.get('/report', (_request, response) => {
  const until = performance.now() + 2000;
  while (performance.now() < until);
  response.send('report\n');
});

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', async (error) => {
  if (error) throw error;
  console.log(`app: http://127.0.0.1:${server.address().port}`);
  console.log(`metrics: ${(await watchdog.ready).url}/metrics`);
});
process.once('SIGTERM', () => server.close(() => watchdog.close()));
