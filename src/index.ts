export { WatchdogError, type WatchdogErrorCode } from './errors.js';
export type {
  Address,
  Cause,
  Frame,
  MetricsRegistry,
  PiscinaLike,
  PoolSample,
  PoolSampler,
  StackSample,
  Stall,
  Watchdog,
  WatchdogEvents,
  WatchdogOptions,
} from './types.js';
export { getWatchdog, startWatchdog } from './watchdog.js';
