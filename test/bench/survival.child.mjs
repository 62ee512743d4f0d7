// An app whose metrics are served by itself in three ways, and by its watchdog; it freezes when it is told to.
import { createServer } from 'node:http';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import client from 'prom-client';
import { startWatchdog } from '../../dist/index.js';
import { FREEZES } from './kit/freezes.mjs';
import { peer } from './kit/peers.mjs';

const { default: fastify } = await peer('fastify');
const { default: underPressure } = await peer('@fastify/under-pressure');
const { PrometheusExporter } = await peer('@opentelemetry/exporter-prometheus');
const { RuntimeNodeInstrumentation } = await import('@opentelemetry/instrumentation-runtime-node');

const { url } = await startWatchdog(0, { log: false, host: '127.0.0.1' }).ready;

client.collectDefaultMetrics();
const metrics = createServer(async (_request, response) => response.end(await client.register.metrics()));
await new Promise((resolve) => metrics.listen(0, '127.0.0.1', resolve));

const exporter = new PrometheusExporter({ preventServerStart: true });
const instrumentation = new RuntimeNodeInstrumentation();
instrumentation.setMeterProvider(new MeterProvider({ readers: [exporter] }));
const openTelemetry = createServer((request, response) =>
  exporter.getMetricsRequestHandler(request, response),
);
await new Promise((resolve) => openTelemetry.listen(0, '127.0.0.1', resolve));

const app = fastify();
app.register(underPressure, { maxEventLoopDelay: 1000, exposeStatusRoute: true });
const status = await app.listen({ port: 0, host: '127.0.0.1' });

process.on('message', ({ kind, ms }) => {
  process.send('frozen', () => {
    FREEZES[kind](ms);
    // The app has answered what came meanwhile before the next freeze.
    setTimeout(() => process.send('over'), 2000);
  });
});
process.once('disconnect', () => process.exit());
const local = (server) => `http://127.0.0.1:${server.address().port}/metrics`;
process.send({
  'event-loop-watchdog': `${url}/metrics`,
  'prom-client': local(metrics),
  OpenTelemetry: local(openTelemetry),
  '@fastify/under-pressure': `${status}/status`,
});
