export { WatchdogError, type WatchdogErrorCode } from './errors.js';
export { watchThread } from './thread.js';
export type {
  Address,
  Cause,
  Frame,
  MetricsRegistry,
  PiscinaLike,
  PoolPressure,
  PoolSample,
  PoolSampler,
  Pressure,
  StackSample,
  Stall,
  ThreadOptions,
  Watchdog,
  WatchdogEvents,
  WatchdogOptions,
  WatchedThread,
} from './types.js';
export { getWatchdog, startWatchdog } from './watchdog.js';
