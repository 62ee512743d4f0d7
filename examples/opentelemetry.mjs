// An app that OpenTelemetry traces. One of its requests freezes it, and the stall says which: the watchdog
// sees the active span by itself. `context` adds what else the app knows of a request. And the stall becomes a span
// in the trace of that request, from its begin to its end.
//
//   PORT=3000 node examples/opentelemetry.mjs
//   curl http://127.0.0.1:3000/ & curl http://127.0.0.1:3000/report?user=7     # the second blocks both
import { AsyncLocalStorage } from 'node:async_hooks';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { context, ROOT_CONTEXT, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import { startWatchdog } from 'event-loop-watchdog';

const users = new AsyncLocalStorage();
const watchdog = startWatchdog(Number(process.env.WATCHDOG_PORT ?? 9464), {
  context: () => ({ user: users.getStore() }),
});
watchdog.on('stall', (stall) => {
  const { durationMs, requests = [] } = stall;
  for (const { name, traceId, context: told } of requests) {
    console.log(`stall: ${Math.round(durationMs)} ms by ${name}, trace ${traceId}, ${JSON.stringify(told)}`);
  }
  traceStall(stall);
});

/** A child of the span that was seen for most of the stall, with links to the others; a trace of its own without. */
function traceStall({ startedAt, durationMs, cause, culprit, fingerprint, requests = [] }) {
  // A span that is not recorded has no name; its trace is not sampled, and would have nothing but this.
  const [parent, ...others] = requests
    .filter(({ name }) => name !== undefined)
    .map(({ traceId, spanId }) => ({ traceId, spanId, traceFlags: TraceFlags.SAMPLED }));
  const span = tracer.startSpan(
    'event loop stalled',
    {
      startTime: new Date(startedAt),
      links: others.map((other) => ({ context: other })),
      attributes: {
        'stall.cause': cause,
        'stall.fingerprint': fingerprint,
        ...(culprit && {
          'code.function.name': culprit.function,
          'code.file.path': culprit.file,
          'code.line.number': culprit.line,
        }),
      },
    },
    parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT,
  );
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.end(new Date(Date.parse(startedAt) + durationMs));
}

// Where spans go: to standard output here, and by an exporter's processor to your collector. With OpenTelemetry's
// instrumentations those of requests make themselves.
const printer = {
  onStart() {},
  onEnd(span) {
    const { traceId } = span.spanContext();
    const line = span.attributes['code.line.number'];
    console.log(
      `span: ${span.name}, trace ${traceId}, parent ${span.parentSpanContext?.spanId}, line ${line}`,
    );
  },
  forceFlush: async () => {},
  shutdown: async () => {},
};
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [printer] }));
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
