export { WatchdogError, type WatchdogErrorCode } from './errors.js';
export type {
  Address,
  Cause,
  DumpedThread,
  Frame,
  HotFrame,
  MetricsRegistry,
  PiscinaLike,
  PoolOptions,
  PoolPressure,
  PoolSample,
  PoolSampler,
  Pressure,
  RequestContext,
  SlowTask,
  StackSample,
  Stall,
  SystemThread,
  ThreadActivity,
  ThreadDump,
  ThreadOptions,
  Watchdog,
  WatchdogEvents,
  WatchdogOptions,
  WatchedThread,
} from './types.js';
export { watchThread } from './watch-thread.js';
export { getWatchdog, startWatchdog } from './watchdog.js';
