import { EVENTLOOP } from './eventloop.js';
import { POOLS } from './pools.js';
import { SELF } from './self.js';
import { STALLS } from './stalls.js';

/** Every family that the sidecar can serve. README, dashboard and rules are checked against it. */
export const METRIC_NAMES: readonly string[] = [EVENTLOOP, STALLS, POOLS, SELF].flatMap((table) =>
  Object.values(table).map(({ name }) => name),
);
