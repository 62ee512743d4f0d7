import { CAPTURE_KINDS, CAPTURE_RESULTS } from '../../src/shared/labels.js';
import type { ThreadTimes } from '../system/thread.js';
import { type Definition, type Family, family, single } from './family.js';
import type { Sources } from './sources.js';

export const SYSTEM = {
  captures: {
    name: 'watchdog_captures_total',
    type: 'counter',
    labels: ['kind', 'result'],
    since: 'watched',
    help: 'Stack and profile captures of all threads, by kind and result.',
  },
  cpu: {
    name: 'watchdog_thread_cpu_seconds_total',
    type: 'counter',
    labels: ['thread'],
    help: 'Time that the thread of the event loop spent on a CPU (Linux).',
  },
  runQueue: {
    name: 'watchdog_thread_runqueue_seconds_total',
    type: 'counter',
    labels: ['thread'],
    help: 'Time that the thread of the event loop was runnable and waited for a CPU (Linux).',
  },
  periods: {
    name: 'watchdog_cgroup_cpu_periods_total',
    type: 'counter',
    labels: [],
    help: 'Enforcement periods of the CPU quota of the cgroup; absent without a quota.',
  },
  throttledPeriods: {
    name: 'watchdog_cgroup_cpu_throttled_periods_total',
    type: 'counter',
    labels: [],
    help: 'Enforcement periods in which the CPU quota was used up.',
  },
  throttledSeconds: {
    name: 'watchdog_cgroup_cpu_throttled_seconds_total',
    type: 'counter',
    labels: [],
    help: 'Time for which threads of the cgroup were held back because the CPU quota was used up.',
  },
  suspensions: {
    name: 'watchdog_process_suspensions_total',
    type: 'counter',
    labels: [],
    since: 'watched',
    help: 'Times that the whole process stood still (SIGSTOP, frozen cgroup).',
  },
  suspendedSeconds: {
    name: 'watchdog_process_suspended_seconds_total',
    type: 'counter',
    labels: [],
    since: 'watched',
    help: 'Time for which the whole process stood still.',
  },
} as const;

export function collectSystem({ loops, ledger, throttling }: Sources): Family[] {
  const captures = CAPTURE_KINDS.flatMap((kind, i) =>
    CAPTURE_RESULTS.map((result, k) => ({
      labels: { kind, result },
      value: ledger.get('captures', i * CAPTURE_RESULTS.length + k),
    })),
  );
  const started = loops.filter(({ stats }) => stats.loopStartedAtMs > 0);
  const seconds = (definition: Definition, kind: keyof ThreadTimes): Family =>
    family(
      definition,
      started.map(({ labels, times }) => ({ labels, value: times && times[kind] / 1000 })),
    );
  return [
    family(SYSTEM.captures, captures),
    seconds(SYSTEM.cpu, 'cpuMs'),
    seconds(SYSTEM.runQueue, 'runQueueMs'),
    single(SYSTEM.periods, throttling?.periods),
    single(SYSTEM.throttledPeriods, throttling?.throttledPeriods),
    single(SYSTEM.throttledSeconds, throttling?.throttledSeconds),
    single(SYSTEM.suspensions, ledger.get('suspensions')),
    single(SYSTEM.suspendedSeconds, ledger.get('suspendedMs') / 1000),
  ];
}
