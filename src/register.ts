/**
 * `node --import event-loop-watchdog/register app.js` watches an app without a line of code in it. Configured
 * by `WATCHDOG_PORT` (default 9464), `WATCHDOG_HOST` and the other `WATCHDOG_*` variables, those of objects by
 * their fields (`WATCHDOG_HANG=after=120000,action=report`, `WATCHDOG_LABELS=app=shop,zone=b`); one that is
 * wrong, or that does not exist, is a process warning, and the app runs with the default. Variables that
 * contradict each other are one, too, and so is a runtime that is not Node.js; the app runs unwatched.
 * `getWatchdog()` returns the watchdog to the app.
 * @example
 * ```ts
 * // WATCHDOG_PORT=9464 node --import event-loop-watchdog/register app.js
 * import { getWatchdog } from 'event-loop-watchdog';
 *
 * getWatchdog()?.on('stall', (stall) => console.warn(stall.cause));
 * ```
 */
import { isMainThread } from 'node:worker_threads';
import { appEnvironment } from './app-environment.js';
import type { WatchdogError } from './errors.js';
import { checkVariables, optionsFromEnv } from './options/environment.js';
import { reasonOf, warn, warnOnce } from './warn.js';
import { getWatchdog, startWatchdog } from './watchdog.js';

export function register(): void {
  // Worker threads inherit `--import`; one watchdog a process is enough.
  if (!isMainThread || getWatchdog()) return;
  try {
    const complain = (message: string): void => warnOnce(message, 'WATCHDOG_BAD_VARIABLE');
    const env = appEnvironment();
    checkVariables(env, complain);
    const { port, options } = optionsFromEnv(env, complain);
    startWatchdog(port, options);
  } catch (error) {
    const { code } = error as WatchdogError;
    warn(`The app is not watched: ${reasonOf(error)}`, code);
  }
}
