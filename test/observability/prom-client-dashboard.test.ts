import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { METRIC_NAMES } from '../../worker/metrics/names.js';

/** Grafana 11159, made for prom-client's default metrics: what its panels ask for. */
const PANELS: Readonly<Record<string, readonly string[]>> = {
  'Process CPU Usage': [
    'irate(process_cpu_user_seconds_total{instance=~"$instance"}[2m]) * 100',
    'irate(process_cpu_system_seconds_total{instance=~"$instance"}[2m]) * 100',
  ],
  'Event Loop Lag': ['nodejs_eventloop_lag_seconds{instance=~"$instance"}'],
  'Node.js Version': ['sum(nodejs_version_info{instance=~"$instance"}) by (version)'],
  'Process Restart Times': ['sum(changes(process_start_time_seconds{instance=~"$instance"}[1m]))'],
  'Process Memory Usage': [
    'process_resident_memory_bytes{instance=~"$instance"}',
    'nodejs_heap_size_total_bytes{instance=~"$instance"}',
    'nodejs_heap_size_used_bytes{instance=~"$instance"}',
    'nodejs_external_memory_bytes{instance=~"$instance"}',
  ],
  'Active Handlers/Requests Total': [
    'nodejs_active_handles_total{instance=~"$instance"}',
    'nodejs_active_requests_total{instance=~"$instance"}',
  ],
  'Heap Total Detail': ['nodejs_heap_space_size_total_bytes{instance=~"$instance"}'],
  'Heap Used Detail': ['nodejs_heap_space_size_used_bytes{instance=~"$instance"}'],
  'Heap Available Detail': ['nodejs_heap_space_size_available_bytes{instance=~"$instance"}'],
};

it('the panels of the dashboard that most have find their series, but for those of which METRICS.md says so', () => {
  const isServed = (expr: string): boolean =>
    METRIC_NAMES.includes(/(?:process|nodejs)_\w+/.exec(expr)?.[0] ?? '');
  const empty = Object.entries(PANELS).filter(([, exprs]) => !exprs.every(isServed));
  const page = readFileSync(new URL('../../observability/METRICS.md', import.meta.url), 'utf8');
  const said = /Grafana 11159, one panel stays empty: _(.+?)_\./s.exec(page)?.[1]?.replace(/\s+/g, ' ');
  expect(empty.map(([title]) => title)).toEqual([said]);
});
