import { duration, percent } from '../../src/shared/figures.js';
import { printable } from '../../src/shared/printable.js';
import type { Stall } from '../../src/shared/stall.js';
import type { LoopStatus, Status } from '../../src/shared/status.js';
import { whereOf } from '../reports/journal.js';
import { requestInWords } from '../stalls/requests.js';
import type { Minute } from './minute.js';

/** What the sentence is made of besides the loops. */
export interface SentenceFacts extends Pick<Status, 'threadpool'> {
  /** Since main's start, while its loop has not turned. */
  readonly startingMs: number;
  /** Since main entered `pause()`; 0 outside. */
  readonly pausedMs: number;
  readonly minute: Minute | undefined;
}

/** From this on a probe that waits for libuv's pool is worth a word. */
const PENDING_TOLD_MS = 1000;
/** What was looked at for so long is called a minute. */
const MINUTE_FROM_MS = 55_000;

/** What there is to know first, in one sentence for people; one more each, if another thing is amiss. */
export function sentenceOf([main, ...others]: readonly LoopStatus[], facts: SentenceFacts): string {
  const { pendingMs = 0 } = facts.threadpool;
  const blocked = others.find(({ state }) => state === 'blocked');
  return printable(
    [
      ...(main ? [ofMain(main, facts)] : []),
      ...(blocked?.stall ? [`Thread ${blocked.thread} is blocked for ${stallInWords(blocked.stall)}.`] : []),
      ...(pendingMs >= PENDING_TOLD_MS
        ? [`A task waits for a thread of libuv's pool for ${duration(pendingMs)}.`]
        : []),
    ].join(' '),
  );
}

function ofMain({ state, lagMs, stall }: LoopStatus, facts: SentenceFacts): string {
  if (state === 'starting') {
    return `The event loop has not turned since its start ${duration(facts.startingMs)} ago.`;
  }
  if (state === 'paused') {
    return `The event loop is in pause() for ${duration(facts.pausedMs)}: long work that is known.`;
  }
  if (stall) return `Blocked for ${stallInWords(stall)}.`;
  if (state === 'late') return `The event loop is late by ${duration(lagMs)}, which is no stall yet.`;
  return `The event loop turns${minuteInWords(facts.minute)}.`;
}

/** `12.3 s (cpu) in renderInvoice /srv/app/invoice.ts:41, request GET /report, trace 4bf9…`. */
export function stallInWords(stall: Stall): string {
  const where = whereOf(stall);
  const request = requestInWords(stall.requests);
  return [
    `${duration(stall.durationMs)} (${stall.cause})`,
    ...(where === undefined ? [] : [` in ${where}`]),
    ...(request === undefined ? [] : [`, ${request}`]),
  ].join('');
}

function minuteInWords(minute: Minute | undefined): string {
  if (!minute) return '';
  const { ms, delayP99Ms, utilization } = minute;
  const span = ms < MINUTE_FROM_MS ? duration(ms) : 'minute';
  const delay = delayP99Ms === 0 ? 'under 1 ms' : duration(delayP99Ms);
  return `: delay p99 ${delay} in the last ${span}, ${percent(utilization)} utilised`;
}
