// Which requests to turn away when more come than the loop can serve; for express.mjs and fastify.mjs beside
// it.
//
// A share of the requests is let in, by chance, and the share is what the loop can serve. To let in all or
// none would swing between a flood and an empty loop; and by chance, whoever tries again gets in some time.

/**
 * Shedding begins when turns of the loop take longer: a request waits for one or two, and clients wait for a
 * second.
 */
const LAG_LIMIT_MS = 150;
/**
 * How busy shedding keeps the loop. Not more: connections also wait in the system until the loop takes them,
 * which lag does not tell of. A loop that has idle time left has taken them all.
 */
const TARGET_UTILIZATION = 0.9;
/**
 * In one step the share falls to no less than this part of itself: one very long turn may have been one bad
 * request.
 */
const DEEPEST_CUT = 0.25;
/** And it rises by no more than this factor a second: from a quarter to all takes two seconds. */
const STEEPEST_RISE = 2;
/** The least share: without any request nothing would tell when the overload is over. */
const LEAST_SHARE = 0.01;

/** Returns a function to be asked once for each request: whether to turn it away. */
export function createShedder(watchdog) {
  let share = 1;
  let adjustedAt = performance.now();

  function adjust() {
    const seconds = (performance.now() - adjustedAt) / 1000;
    // pressure() looks back for a second. Sooner, it would blame the new share for what the old one did.
    if (seconds < 1) return;
    adjustedAt = performance.now();
    const { lagMs, utilization } = watchdog.pressure();
    // Neither alone: a loop may be busy all the time and never late, or late once in an idle minute.
    const late = lagMs > LAG_LIMIT_MS && utilization > TARGET_UTILIZATION;
    if (share === 1 && !late) return;
    const wanted = Math.min(TARGET_UTILIZATION / utilization, late ? LAG_LIMIT_MS / lagMs : Infinity);
    const factor = Math.min(Math.max(wanted, DEEPEST_CUT), STEEPEST_RISE ** seconds);
    share = Math.min(Math.max(share * factor, LEAST_SHARE), 1);
  }

  return () => {
    // Here and not by a timer, which would wait for the end of a long turn.
    adjust();
    return Math.random() >= share;
  };
}
