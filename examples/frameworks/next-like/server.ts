// Stands in for `next start`: loads the bundles of `build.mjs` and serves the routes.
//
//   node examples/frameworks/next-like/build.mjs && PORT=3000 node examples/frameworks/next-like/dist/server.cjs
//   curl http://127.0.0.1:3000/report &                          # blocks the app for two seconds
//   curl -s http://127.0.0.1:9464/metrics | grep lag_seconds     # answers all the same
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getWatchdog } from 'event-loop-watchdog';

type Instrumentation = typeof import('./instrumentation.js');
type Route = typeof import('./app/report/route.js');

/** A bundle, evaluated anew each time, as a server that reloads its code does. */
function load<T>(name: string): T {
  const file = require.resolve(`${__dirname}/${name}.cjs`);
  delete require.cache[file];
  return require(file);
}

async function main(): Promise<void> {
  process.env.NEXT_RUNTIME = 'nodejs';
  await load<Instrumentation>('instrumentation').register();
  await load<Instrumentation>('instrumentation').register();
  const { GET } = load<Route>('app/report/route');

  const server = createServer(async (request, response) => {
    response.end(request.url === '/report' ? await (await GET()).text() : 'hello\n');
  });
  server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', async () => {
    console.log(`app: http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    console.log(`metrics: ${(await getWatchdog()?.ready)?.url}/metrics`);
  });
}
void main();
