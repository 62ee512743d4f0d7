import { WatchdogError } from './errors.js';

/** V8 takes it away while a user-land snapshot is built. What is noted here becomes part of the snapshot. */
const hadSharedMemory = typeof SharedArrayBuffer === 'function';

/** All that Node.js was told on its command line and by the environment. */
export const nodeOptions = (): string => [...process.execArgv, process.env.NODE_OPTIONS].join(' ');

/**
 * Refuses to start where the watchdog cannot work, or would harm its host.
 * @throws WatchdogError `ERR_WATCHDOG_UNSUPPORTED_RUNTIME`
 */
export function checkRuntime(
  versions: Readonly<Record<string, string | undefined>> = process.versions,
  options: string = nodeOptions(),
  sharedMemory: boolean = hadSharedMemory,
): void {
  const obstacle = obstacleIn(versions, options, sharedMemory);
  if (obstacle) throw new WatchdogError('ERR_WATCHDOG_UNSUPPORTED_RUNTIME', obstacle);
}

function obstacleIn(
  { bun, deno }: Readonly<Record<string, string | undefined>>,
  options: string,
  sharedMemory: boolean,
): string | undefined {
  // Their event loops have neither the phases nor the clocks that turns are measured by.
  if (bun !== undefined) return `The watchdog watches Node.js, and this is Bun ${bun}.`;
  if (deno !== undefined) return `The watchdog watches Node.js, and this is Deno ${deno}.`;
  // In a process that was started from one, Node.js 22 to 26 abort when any thread loads node:net, and the
  // sidecar does.
  if (!sharedMemory || /(^|\s)--(snapshot-blob|build-snapshot)/.test(options)) {
    return (
      'The watchdog cannot run with a user-land snapshot (--build-snapshot), neither while it is built nor ' +
      'in a process that was started from it: there Node.js ends the whole process when a thread uses the network.'
    );
  }
  return undefined;
}
