export { WatchdogError, type WatchdogErrorCode } from './errors.js';
export type {
  Address,
  Cause,
  MetricsRegistry,
  PiscinaLike,
  PoolSample,
  PoolSampler,
  Stall,
  Watchdog,
  WatchdogEvents,
  WatchdogOptions,
} from './types.js';
export { getWatchdog, startWatchdog } from './watchdog.js';
