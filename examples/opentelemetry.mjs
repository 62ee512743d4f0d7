// An app that OpenTelemetry traces. One of its requests freezes it, and the stall says which: the watchdog
// sees the active span by itself. `context` adds what else the app knows of a request.
//
//   PORT=3000 node examples/opentelemetry.mjs
//   curl http://127.0.0.1:3000/ & curl http://127.0.0.1:3000/report?user=7     # the second blocks both
import { AsyncLocalStorage } from 'node:async_hooks';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { startWatchdog } from 'event-loop-watchdog';

const users = new AsyncLocalStorage();
const watchdog = startWatchdog(Number(process.env.WATCHDOG_PORT ?? 9464), {
  context: () => ({ user: users.getStore() }),
});
watchdog.on('stall', ({ durationMs, requests = [] }) => {
  for (const { name, traceId, context: told } of requests) {
    console.log(`stall: ${Math.round(durationMs)} ms by ${name}, trace ${traceId}, ${JSON.stringify(told)}`);
  }
});

// Where spans go is left out: an exporter would be here. With its instrumentations the spans make themselves.
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
trace.setGlobalTracerProvider(new TracerProvider());
const tracer = trace.getTracer('shop');

async function serve({ pathname }) {
  await sleep(20);
  const until = performance.now() + 1000;
  if (pathname === '/report') while (performance.now() < until);
  return `trace ${trace.getActiveSpan().spanContext().traceId}\n`;
}

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost');
  tracer.startActiveSpan(`${request.method} ${url.pathname}`, (span) =>
    users.run(url.searchParams.get('user'), async () => {
      response.end(await serve(url));
      span.end();
    }),
  );
});
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', async () => {
  console.log(`app: http://127.0.0.1:${server.address().port}`);
  console.log(`metrics: ${(await watchdog.ready).url}/metrics`);
});
