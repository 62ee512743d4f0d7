// TypeScript without a build. A stall names the file and line of the source, not of what tsx makes of it.
//
//   PORT=3000 node --import tsx examples/frameworks/tsx/app.ts
//   curl http://127.0.0.1:3000/report &                          # blocks the app for two seconds
//   curl -s http://127.0.0.1:9464/metrics | grep lag_seconds     # answers all the same
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Stall, startWatchdog } from 'event-loop-watchdog';

const watchdog = startWatchdog(Number(process.env.WATCHDOG_PORT ?? 9464));
watchdog.on('stall', ({ culprit }: Stall) => {
  if (culprit) console.log(`stall: ${culprit.function} ${culprit.file}:${culprit.line}`);
});

function renderReport(ms: number): string {
  const until: number = performance.now() + ms;
  while (performance.now() < until);
  return 'report\n';
}

const server = createServer((request, response) => {
  response.end(request.url === '/report' ? renderReport(2000) : 'hello\n');
});
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', async () => {
  console.log(`app: http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  console.log(`metrics: ${(await watchdog.ready).url}/metrics`);
});
