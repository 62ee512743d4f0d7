// An app without a line of watchdog code in it: the watchdog comes by a flag and is configured by variables.
//
//   WATCHDOG_PORT=9464 WATCHDOG_STALL_THRESHOLD=50 node --import event-loop-watchdog/register examples/register/app.mjs
//   curl http://127.0.0.1:3000/search &                          # blocks the app for two seconds
//   curl -s http://127.0.0.1:9464/metrics | grep lag_seconds     # answers all the same
//
// If the app wants to know of the watchdog, where there is one:
//
//   import { getWatchdog } from 'event-loop-watchdog';
//   getWatchdog()?.on('stall', (stall) => log.warn(stall));
import { createServer } from 'node:http';

function searchWithoutIndex() {
  const until = performance.now() + 2000;
  while (performance.now() < until);
  return 'found\n';
}

const server = createServer((request, response) => {
  response.end(request.url === '/search' ? searchWithoutIndex() : 'hello\n');
});

server.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`app: http://127.0.0.1:${server.address().port}`);
});
