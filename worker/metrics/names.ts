import { EVENTLOOP } from './eventloop.js';
import type { Definition } from './family.js';
import { MEMORY } from './memory.js';
import { POOLS } from './pools.js';
import { PROCESS } from './process.js';
import { SELF } from './self.js';
import { STALLS } from './stalls.js';
import { SYSTEM } from './system.js';
import { THREADPOOL } from './threadpool.js';

/** Every family that the sidecar can serve. README, dashboard and rules are checked against it. */
export const METRICS: readonly Definition[] = [
  EVENTLOOP,
  STALLS,
  SYSTEM,
  MEMORY,
  PROCESS,
  POOLS,
  THREADPOOL,
  SELF,
].flatMap((table) => Object.values<Definition>(table));
export const METRIC_NAMES: readonly string[] = METRICS.map(({ name }) => name);
/** Those that are served only with `processMetrics`. */
export const PROCESS_NAMES: readonly string[] = Object.values(PROCESS).map(({ name }) => name);
