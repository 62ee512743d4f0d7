// A web server with a route that blocks it, the watchdog on a port of its own, and a shutdown that loses no
// request.
//
//   PORT=3000 node examples/frameworks/http-server.mjs
//   curl http://127.0.0.1:3000/report &                                  # blocks the server for two seconds
//   curl -s http://127.0.0.1:9464/metrics | grep lag_seconds             # answers all the same
//   kill -TERM <pid>                                                     # requests under way are still answered
import { once } from 'node:events';
import { createServer } from 'node:http';
import { startWatchdog } from 'event-loop-watchdog';

const watchdog = startWatchdog(Number(process.env.WATCHDOG_PORT ?? 9464));

function renderReport() {
  const until = performance.now() + 2000;
  while (performance.now() < until);
  return 'report\n';
}

const server = createServer((request, response) => {
  response.end(request.url === '/report' ? renderReport() : 'hello\n');
});

process.once('SIGTERM', () => {
  // The watchdog goes last: until then it shows how the shutdown gets on. Nothing else keeps the process
  // alive.
  server.close(() => watchdog.close());
});

server.listen(Number(process.env.PORT ?? 3000));
await once(server, 'listening');
const { url } = await watchdog.ready;
console.log(`app: http://127.0.0.1:${server.address().port}`);
console.log(`metrics: ${url}/metrics`);
