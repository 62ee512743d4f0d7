import { getHeapSpaceStatistics } from 'node:v8';
import { latenessOf } from '../../src/shared/lateness.js';
import { HEAP_SPACES_MAX, type HeapValues } from '../../src/shared/layout.js';
import type { LoopView } from '../loops/loop.js';
import { type Definition, type Family, family, single } from './family.js';
import type { Sources } from './sources.js';

/** By the names, units and meanings of prom-client's default metrics; of main, where they are of a thread. */
export const PROCESS = {
  cpuUser: {
    name: 'process_cpu_user_seconds_total',
    type: 'counter',
    labels: [],
    help: 'Total user CPU time spent in seconds.',
  },
  cpuSystem: {
    name: 'process_cpu_system_seconds_total',
    type: 'counter',
    labels: [],
    help: 'Total system CPU time spent in seconds.',
  },
  cpu: {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    labels: [],
    help: 'Total user and system CPU time spent in seconds.',
  },
  startTime: {
    name: 'process_start_time_seconds',
    type: 'gauge',
    labels: [],
    help: 'Start time of the process since unix epoch in seconds.',
  },
  resident: {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    labels: [],
    help: 'Resident memory size in bytes.',
  },
  virtual: {
    name: 'process_virtual_memory_bytes',
    type: 'gauge',
    labels: [],
    help: 'Virtual memory size in bytes (Linux).',
  },
  openFds: {
    name: 'process_open_fds',
    type: 'gauge',
    labels: [],
    help: 'Number of open file descriptors (Linux).',
  },
  maxFds: {
    name: 'process_max_fds',
    type: 'gauge',
    labels: [],
    help: 'Maximum number of open file descriptors (Linux); absent if there is none.',
  },
  lag: {
    name: 'nodejs_eventloop_lag_seconds',
    type: 'gauge',
    labels: [],
    help: 'Lag of event loop in seconds: watchdog_eventloop_lag_seconds of the main thread.',
  },
  heapTotal: {
    name: 'nodejs_heap_size_total_bytes',
    type: 'gauge',
    labels: [],
    help: 'Process heap size from Node.js in bytes; as of the last heartbeat.',
  },
  heapUsed: {
    name: 'nodejs_heap_size_used_bytes',
    type: 'gauge',
    labels: [],
    help: 'Process heap size used from Node.js in bytes; as of the last heartbeat.',
  },
  external: {
    name: 'nodejs_external_memory_bytes',
    type: 'gauge',
    labels: [],
    help: 'Node.js external memory size in bytes; as of the last heartbeat.',
  },
  spaceTotal: {
    name: 'nodejs_heap_space_size_total_bytes',
    type: 'gauge',
    labels: ['space'],
    help: 'Process heap space size total from Node.js in bytes; as of the last heartbeat.',
  },
  spaceUsed: {
    name: 'nodejs_heap_space_size_used_bytes',
    type: 'gauge',
    labels: ['space'],
    help: 'Process heap space size used from Node.js in bytes; as of the last heartbeat.',
  },
  spaceAvailable: {
    name: 'nodejs_heap_space_size_available_bytes',
    type: 'gauge',
    labels: ['space'],
    help: 'Process heap space size available from Node.js in bytes; as of the last heartbeat.',
  },
  version: {
    name: 'nodejs_version_info',
    type: 'gauge',
    labels: ['version', 'major', 'minor', 'patch'],
    help: 'Node.js version info.',
  },
} as const;

const [major = '', minor = '', patch = ''] = process.version.slice(1).split(/[.-]/);
const VERSION = { version: process.version, major, minor, patch };

/** Of this thread as of main: they are V8's. Made once, as prom-client has them. */
const SPACES = getHeapSpaceStatistics()
  .slice(0, HEAP_SPACES_MAX)
  .map(({ space_name }) => ({ space: space_name.replace(/_space.*$/, '') }));

export function collectProcess({ nowMs, loops: [main], usage, options }: Sources): Family[] {
  if (!usage) return [];
  const { userSeconds, systemSeconds } = usage;
  return [
    single(PROCESS.cpuUser, userSeconds),
    single(PROCESS.cpuSystem, systemSeconds),
    single(PROCESS.cpu, userSeconds && systemSeconds && userSeconds + systemSeconds),
    single(PROCESS.startTime, Math.round(options.processStartedAtMs) / 1000),
    single(PROCESS.resident, usage.residentBytes),
    single(PROCESS.virtual, usage.virtualBytes),
    single(PROCESS.openFds, usage.openFds),
    single(PROCESS.maxFds, usage.maxFds),
    ...(main.stats.loopStartedAtMs > 0 ? ofMain(nowMs, main) : []),
    family(PROCESS.version, [{ labels: VERSION, value: 1 }]),
  ];
}

function ofMain(nowMs: number, { stats, heap }: LoopView): Family[] {
  const lag = single(PROCESS.lag, latenessOf(nowMs, stats.dueMs, stats.lastMarkMs) / 1000);
  // The first look at the heap comes with the first beat.
  return heap.totalBytes === 0 ? [lag] : [lag, ...ofHeap(heap)];
}

function ofHeap(heap: HeapValues): Family[] {
  const spaces = (definition: Definition, bytes: Readonly<Float64Array>): Family =>
    family(
      definition,
      SPACES.map((labels, i) => ({ labels, value: bytes[i] })),
    );
  return [
    single(PROCESS.heapTotal, heap.totalBytes),
    single(PROCESS.heapUsed, heap.usedBytes),
    single(PROCESS.external, heap.externalBytes),
    spaces(PROCESS.spaceTotal, heap.spaceTotalBytes),
    spaces(PROCESS.spaceUsed, heap.spaceUsedBytes),
    spaces(PROCESS.spaceAvailable, heap.spaceAvailableBytes),
  ];
}
