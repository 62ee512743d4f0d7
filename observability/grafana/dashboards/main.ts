import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import {
  assemble,
  FLEET_UID,
  labelVariable,
  linkTo,
  MAIN_UID,
  momentAnnotations,
  targetVariables,
} from './frame.js';
import { CHOSEN } from './promql.js';
import { EVENT_LOOP } from './sections/eventloop.js';
import { MEMORY_SECTION } from './sections/memory.js';
import { OVERVIEW } from './sections/overview.js';
import { WORKER_POOLS } from './sections/pools.js';
import { SIDECAR } from './sections/sidecar.js';
import { STALLS_SECTION } from './sections/stalls.js';
import { SYSTEM_SECTION } from './sections/system.js';
import { THREAD_POOL } from './sections/threadpool.js';

/** One process, or a few. */
export function mainDashboard(): Dashboard {
  return assemble(
    {
      uid: MAIN_UID,
      title: 'Event loop watchdog',
      description:
        'The event loops and worker pools of Node.js processes, as their sidecars see them: also while a loop is blocked.',
      variables: [...targetVariables(), labelVariable('pool', 'Pool', `watchdog_pool_capacity{${CHOSEN}}`)],
      annotations: momentAnnotations(true),
      links: [linkTo(FLEET_UID, 'Fleet', 'All processes on one page')],
    },
    [
      OVERVIEW,
      EVENT_LOOP,
      STALLS_SECTION,
      SYSTEM_SECTION,
      MEMORY_SECTION,
      THREAD_POOL,
      WORKER_POOLS,
      SIDECAR,
    ],
  );
}
