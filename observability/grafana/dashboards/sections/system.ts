import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Section } from '../frame.js';
import { timeseries } from '../panels.js';
import { rate } from '../promql.js';
import { line } from '../queries.js';

const THROTTLED = 'watchdog_cgroup_cpu_throttled';

const cpu = timeseries({
  title: 'CPU, run queue and throttling',
  description:
    'For the thread of the event loop, share of the time on a CPU and share of the time ready to run without one. For the cgroup, share of the quota periods in which the quota was used up, and seconds in each second for which threads were held back, all CPUs together. Each line is the worst of the selected processes. High run queue with throttling: raise the CPU limit; without it: the machine is full. Linux only.',
  unit: 'percentunit',
  width: 12,
  height: 9,
  queries: [
    line(`max by (thread) (${rate('watchdog_thread_cpu_seconds_total')})`, 'on a CPU, {{thread}}'),
    line(`max by (thread) (${rate('watchdog_thread_runqueue_seconds_total')})`, 'run queue, {{thread}}'),
    line(
      `max(${rate(`${THROTTLED}_periods_total`)} / ${rate('watchdog_cgroup_cpu_periods_total')})`,
      'periods throttled',
    ),
    line(`max(${rate(`${THROTTLED}_seconds_total`)})`, 'time throttled'),
  ],
});

const suspensions = timeseries({
  title: 'Process suspensions',
  description:
    'Times in which a whole process stood still: stopped by a signal, or in a frozen cgroup. Share of the time (left) and suspensions per second (right), all selected processes together. No code is to blame for these.',
  unit: 'percentunit',
  width: 12,
  height: 9,
  queries: [
    line(`sum(${rate('watchdog_process_suspended_seconds_total')})`, 'time suspended'),
    line(`sum(${rate('watchdog_process_suspensions_total')})`, 'suspensions'),
  ],
}).overrideByQuery('B', [
  { id: 'unit', value: 'cps' },
  { id: 'custom.axisPlacement', value: 'right' },
]);

/** What the machine does to the loop. */
export const SYSTEM_SECTION: Section = {
  row: new RowBuilder('CPU and process'),
  panels: [cpu, suspensions],
};
