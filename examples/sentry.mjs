// Stalls as issues in Sentry: one for each line to blame, with its stack, its source, and the trace of the request.
//
//   npm install --no-save @sentry/node
//   SENTRY_DSN=https://key@example.ingest.sentry.io/1 node examples/sentry.mjs
import * as Sentry from '@sentry/node';
import { startWatchdog } from 'event-loop-watchdog';

Sentry.init({ dsn: process.env.SENTRY_DSN, tracesSampleRate: 1 });
const watchdog = startWatchdog(Number(process.env.WATCHDOG_PORT ?? 9464), {
  // Sentry 11 keeps its spans to itself; those of 8 and 9 are found without this.
  context: () => Sentry.getActiveSpan()?.spanContext(),
});
watchdog.on('stall', (stall) => {
  // Events count against a quota; the metrics have all of them.
  if (stall.durationMs >= 1000) Sentry.captureEvent(eventOf(stall));
});

function eventOf({ stacks, culprit, requests = [], hot, ...facts }) {
  const { thread, cause, fingerprint, durationMs, startedAt } = facts;
  const atCulprit = ({ file, line }) => file === culprit?.file && line === culprit.line;
  const { frames = [] } = stacks.find((look) => look.frames.some(atCulprit)) ?? {};
  const [request] = requests;
  const { traceId, spanId } = request?.context ?? request ?? {};
  return {
    level: 'error',
    timestamp: (Date.parse(startedAt) + durationMs) / 1000,
    fingerprint: ['event-loop-stalled', fingerprint],
    tags: { cause, thread },
    contexts: { stall: facts, ...(traceId && { trace: { trace_id: traceId, span_id: spanId } }) },
    exception: {
      values: [
        {
          type: 'EventLoopStalled',
          value: `${Math.round(durationMs)} ms (${cause}) in ${culprit?.function ?? 'code that was not seen'}`,
          mechanism: { type: 'event-loop-watchdog', handled: true },
          // Innermost last.
          stacktrace: { frames: frames.toReversed().map(sentryFrame) },
        },
      ],
    },
  };
}

function sentryFrame({ function: name, file, line, column, internal, code }) {
  const inApp = !internal && !file.includes('/node_modules/');
  return { function: name, filename: file, lineno: line, colno: column, context_line: code, in_app: inApp };
}

function buildReport(ms) {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
setInterval(() => Sentry.startSpan({ name: 'GET /report' }, () => buildReport(1200)), 3000);

const { url } = await watchdog.ready;
console.log(`metrics: ${url}/metrics`);
