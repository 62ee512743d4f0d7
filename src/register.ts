/**
 * `node --import event-loop-watchdog/register app.js` watches an app without a line of code in it. Configured by
 * `WATCHDOG_PORT` (default 9464), `WATCHDOG_HOST` and the other `WATCHDOG_*` variables; one that is wrong is a process warning,
 * and the app runs with the default. Variables that contradict each other are one, too, and the app runs unwatched. `getWatchdog()` returns the watchdog to the app.
 */
import { isMainThread } from 'node:worker_threads';
import { optionsFromEnv } from './options.js';
import { reasonOf, warn } from './warn.js';
import { getWatchdog, startWatchdog } from './watchdog.js';

// Worker threads inherit `--import`; one watchdog a process is enough.
if (isMainThread && !getWatchdog()) {
  const { port, options } = optionsFromEnv(process.env, (message) => warn(message, 'WATCHDOG_BAD_VARIABLE'));
  try {
    startWatchdog(port, options);
  } catch (error) {
    warn(`The app is not watched: ${reasonOf(error)}`, 'WATCHDOG_BAD_VARIABLE');
  }
}
