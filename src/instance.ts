import type cluster from 'node:cluster';
import { appEnvironment } from './app-environment.js';
import { warn } from './warn.js';

const PORT_MAX = 65_535;

/**
 * The instance of this process among those of the app, from 0, as pm2 or `node:cluster` tells it; `undefined`
 * if neither does. pm2's comes first: it is given anew to the process that replaces another, while cluster's
 * ids only grow.
 */
export function instanceOfProcess(
  variable: string | undefined = appEnvironment().NODE_APP_INSTANCE,
  workerId: number | undefined = workerIdOfCluster(),
): number | undefined {
  if (variable !== undefined && /^\d{1,5}$/.test(variable)) return Number(variable);
  return workerId === undefined ? undefined : workerId - 1;
}

/** The port of the process at this instance; any, with a warning, if there are not so many. */
export function portOf(port: number, instance: number | undefined): number {
  if (port === 0 || instance === undefined) return port;
  if (port + instance <= PORT_MAX) return port + instance;
  warn(
    `The port ${port} plus the instance of this process (${instance}) is more than ${PORT_MAX}. It takes any port; GET /sd lists it.`,
    'WATCHDOG_BAD_PORT',
  );
  return 0;
}

/**
 * Asked for here and not imported: `node:cluster` brings the network stack with it, which an app may not
 * need.
 */
function workerIdOfCluster(): number | undefined {
  // Its types are those of the ES module; what comes is the CommonJS one.
  return (process.getBuiltinModule('node:cluster') as unknown as typeof cluster).worker?.id;
}
