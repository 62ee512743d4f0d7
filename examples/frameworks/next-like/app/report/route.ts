import { getWatchdog } from 'event-loop-watchdog';

/**
 * Bundled apart from the instrumentation, with a copy of the watchdog's code of its own, and finds the one
 * that runs.
 */
export async function GET(): Promise<Response> {
  const until = performance.now() + 2000;
  while (performance.now() < until);
  return new Response(getWatchdog() ? 'report\n' : 'report, and nobody watched\n');
}
