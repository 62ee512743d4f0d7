/** The accounts of a thread at one moment. */
export interface Reading {
  readonly atMs: number;
  readonly turn: number;
  /** On a CPU so far. */
  readonly cpuMs: number;
  /** Waits for a CPU that are over: the system books one at its end. */
  readonly bookedMs: number;
  /** The one that goes on, as far as it shows. */
  waitingMs: number;
  /** It was on a CPU or waited for one. */
  readonly runnable: boolean;
  /** For how long the turns before it had held the loop, start-up included. */
  readonly beforeMs: number;
  /** And the turn in progress: at least, until that turn is known. */
  heldMs: number;
}

/** The parts of a stall's time, 0 to 1; what is left was sleep. */
export interface Split {
  readonly cpuShare: number;
  readonly runQueueShare: number;
}

/** What passed between two readings. */
interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  /** The loop was held for so long. */
  readonly heldMs: number;
  readonly cpuMs: number;
  readonly waitMs: number;
}

/** Of a stall less than half of which lies between readings, nothing is said. */
const ENOUGH = 0.5;
/** What was read within a stall speaks for its ends, too, if it is this part of it. */
const SPEAKS = 0.2;

/**
 * What a stall's time went into, by the readings around it and in it.
 *
 * Of a span between two readings we know how long the thread was at work (`ran`: on a CPU or waiting for
 * one), how long the loop was held, and how much of that was this stall (`in`) and other turns (`other`): the
 * turn meter says it to the microsecond. In its idle time a thread does no work, so the work in this stall is
 * at least `ran - other`, at most `ran`, and at most `in`. For a span within the stall, and for any in which
 * the thread worked whenever the loop was held, both ends are `in`: stalls of pure CPU, however close, are
 * told exactly wherever the readings lie. Where the ends differ, the stall went on there as it did in the
 * spans that lie wholly within it; without such, other turns are taken to have been work, as most are.
 */
export function splitOf(readings: readonly Reading[], startMs: number, endMs: number): Split | undefined {
  const spans = spansOf(readings).filter(({ fromMs, toMs }) => toMs > startMs && fromMs < endMs);
  const within = spans.filter(({ fromMs, toMs }) => fromMs >= startMs && toMs <= endMs);
  const withinMs = sum(within, lengthOf);
  const rate = withinMs >= SPEAKS * (endMs - startMs) ? sum(within, ranOf) / withinMs : undefined;
  let coveredMs = 0;
  let cpuMs = 0;
  let waitMs = 0;
  for (const span of spans) {
    const insideMs = Math.min(span.toMs, endMs) - Math.max(span.fromMs, startMs);
    const ranMs = ranOf(span);
    coveredMs += insideMs;
    if (ranMs <= 0) continue;
    const otherMs = clamp(span.heldMs - insideMs, 0, lengthOf(span) - insideMs);
    const most = Math.min(insideMs, ranMs);
    const least = clamp(ranMs - otherMs, 0, most);
    const workedMs = rate === undefined ? least : clamp(rate * insideMs, least, most);
    cpuMs += (workedMs * span.cpuMs) / ranMs;
    waitMs += (workedMs * span.waitMs) / ranMs;
  }
  if (coveredMs <= 0 || coveredMs < ENOUGH * (endMs - startMs)) return undefined;
  return { cpuShare: cpuMs / coveredMs, runQueueShare: waitMs / coveredMs };
}

/**
 * The spans, newest first. A wait is booked at its end and running time by the system's tick: what is more
 * than a span can hold lay before it. So did what is more than the loop was held, as far as there is room for
 * it, if the thread was not asleep when the span began: it was in the midst of a wait.
 */
function spansOf(readings: readonly Reading[]): Span[] {
  const spans: Span[] = [];
  let laterWaitMs = 0;
  let laterCpuMs = 0;
  for (let i = readings.length - 1; i > 0; i--) {
    const from = readings[i - 1] as Reading;
    const to = readings[i] as Reading;
    const lengthMs = to.atMs - from.atMs;
    const heldMs = to.beforeMs + to.heldMs - from.beforeMs - from.heldMs;
    const cpuMs = to.cpuMs - from.cpuMs + laterCpuMs;
    const waitMs = waitedBy(to) - waitedBy(from) + laterWaitMs;
    const ranMs = cpuMs + waitMs;
    const roomMs = from.runnable ? roomBetween(readings[i - 2], from) : 0;
    const excessMs = Math.max(0, ranMs - lengthMs, Math.min(ranMs - heldMs, waitMs, roomMs));
    laterWaitMs = clamp(excessMs, 0, Math.max(0, waitMs));
    laterCpuMs = excessMs - laterWaitMs;
    spans.push({
      fromMs: from.atMs,
      toMs: to.atMs,
      heldMs,
      cpuMs: cpuMs - laterCpuMs,
      waitMs: waitMs - laterWaitMs,
    });
  }
  return spans;
}

/** The time for which nothing is booked. */
function roomBetween(from: Reading | undefined, to: Reading): number {
  if (!from) return 0;
  return to.atMs - from.atMs - (to.cpuMs - from.cpuMs) - (waitedBy(to) - waitedBy(from));
}

const waitedBy = ({ bookedMs, waitingMs }: Reading): number => bookedMs + waitingMs;
const lengthOf = ({ fromMs, toMs }: Span): number => toMs - fromMs;
const ranOf = ({ cpuMs, waitMs }: Span): number => cpuMs + waitMs;
const clamp = (value: number, least: number, most: number): number => Math.max(least, Math.min(most, value));

function sum(spans: readonly Span[], of: (span: Span) => number): number {
  return spans.reduce((total, span) => total + of(span), 0);
}
