import { startWatchdog, type Watchdog } from 'event-loop-watchdog';

export const watchdog: Watchdog = startWatchdog(Number(process.env.WATCHDOG_PORT ?? 9464));

/**
 * A provider of the app's, so that the watchdog is closed last: after `app.close()` has answered all
 * requests.
 */
export class WatchdogCloser {
  onApplicationShutdown(): Promise<void> {
    return watchdog.close();
  }
}
