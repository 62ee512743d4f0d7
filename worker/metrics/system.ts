import { CAPTURE_KINDS, CAPTURE_RESULTS } from '../../src/shared/layout.js';
import { type Family, family, single } from './family.js';
import type { Sources } from './sources.js';

export const SYSTEM = {
  captures: {
    name: 'watchdog_captures_total',
    type: 'counter',
    help: 'Stack and profile captures of the main thread, by kind and result.',
  },
  cpu: {
    name: 'watchdog_thread_cpu_seconds_total',
    type: 'counter',
    help: 'Time that the thread of the event loop spent on a CPU (Linux).',
  },
  runQueue: {
    name: 'watchdog_thread_runqueue_seconds_total',
    type: 'counter',
    help: 'Time that the thread of the event loop was runnable and waited for a CPU (Linux).',
  },
  periods: {
    name: 'watchdog_cgroup_cpu_periods_total',
    type: 'counter',
    help: 'Enforcement periods of the CPU quota of the cgroup; absent without a quota.',
  },
  throttledPeriods: {
    name: 'watchdog_cgroup_cpu_throttled_periods_total',
    type: 'counter',
    help: 'Enforcement periods in which the CPU quota was used up.',
  },
  throttledSeconds: {
    name: 'watchdog_cgroup_cpu_throttled_seconds_total',
    type: 'counter',
    help: 'Time for which threads of the cgroup were held back because the CPU quota was used up.',
  },
  pauses: {
    name: 'watchdog_process_pauses_total',
    type: 'counter',
    help: 'Times that the whole process stood still (SIGSTOP, frozen cgroup, suspended machine).',
  },
  pauseSeconds: {
    name: 'watchdog_process_pause_seconds_total',
    type: 'counter',
    help: 'Time for which the whole process stood still.',
  },
} as const;

const MAIN = { thread: 'main' } as const;

export function collectSystem({ heart, ledger, threadTimes, throttling }: Sources): Family[] {
  const captures = CAPTURE_KINDS.flatMap((kind, i) =>
    CAPTURE_RESULTS.map((result, k) => ({
      labels: { kind, result },
      value: ledger.get('captures', i * CAPTURE_RESULTS.length + k),
    })),
  );
  const started = heart.loopStartedAtMs > 0;
  const seconds = (ms: number | undefined) => [
    { labels: MAIN, value: started && ms !== undefined ? ms / 1000 : undefined },
  ];
  return [
    family(SYSTEM.captures, captures),
    family(SYSTEM.cpu, seconds(threadTimes?.cpuMs)),
    family(SYSTEM.runQueue, seconds(threadTimes?.runQueueMs)),
    single(SYSTEM.periods, throttling?.periods),
    single(SYSTEM.throttledPeriods, throttling?.throttledPeriods),
    single(SYSTEM.throttledSeconds, throttling?.throttledSeconds),
    single(SYSTEM.pauses, ledger.get('pauses')),
    single(SYSTEM.pauseSeconds, ledger.get('pauseMs') / 1000),
  ];
}
