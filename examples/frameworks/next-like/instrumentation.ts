// Next.js calls register() when its server starts; this file lies beside `app/`.
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME === 'nodejs') {
    // Only now: the bundle for the edge runtime must not take in what only Node.js can run.
    const { getWatchdog, startWatchdog } = await import('event-loop-watchdog');
    // Next may load this file again. One process has one watchdog, whichever bundle it was started from.
    if (!getWatchdog()) startWatchdog(Number(process.env.WATCHDOG_PORT ?? 9464));
  }
}
