import { withDeadline } from '../../src/shared/deadline.js';
import type { DropReason } from '../../src/shared/labels.js';
import type { RelayAnswer } from '../../src/shared/protocol.js';
import type { Piece } from '../http/pieces.js';
import type { Format } from '../metrics/format.js';
import { createAllowance } from './allowance.js';
import { cleanFamilies, type Exposition } from './exposition.js';

/** How long a scrape waits for the app's registry, at most. */
const DEADLINE_MS = 250;
/** The part of Prometheus' scrape time-out that may go to the relay. */
const TIMEOUT_SHARE = 0.5;
/** A registry that has not answered for this long is given up, and asked anew. */
const GIVE_UP_MS = 10_000;
const GIVE_UP_MAX_MS = 600_000;
/** A registry of which no family fits is not rendered for nothing at each scrape. */
const VAIN_MS = 600_000;
/**
 * What a MiB costs besides: the sidecar reads it, keeps it, and keeps it again for each client that is slow
 * to take it.
 */
const COST_MS_PER_MIB = 25;

interface Copy {
  readonly exposition: Exposition;
  readonly atMs: number;
}

export interface RelayOptions {
  /** Asks main for the registry's text. */
  readonly fetch: () => Promise<RelayAnswer>;
  readonly now: () => number;
  /** Turns of main's loop. */
  readonly turns: () => number;
  readonly onError: () => void;
  /** Put on what is relayed as on our own series. */
  readonly labels: Readonly<Record<string, string>>;
  /** Whether ours are served by the names of prom-client's defaults. */
  readonly processMetrics: boolean;
  /** When a question is given up, in milliseconds; for tests. */
  readonly giveUpMs?: number;
  /** Families were left out. */
  readonly onDrop: (reason: DropReason, count: number) => void;
}

/** The app's own registry, as last heard of. */
export interface Relay {
  /**
   * Asks main for a new copy, unless it is blocked, still busy with the last question, or has given the relay
   * enough of its time for now, and waits for the answer until the deadline. Never rejects.
   * @param scrapeTimeoutMs the scraper's own time-out, if it told
   * @param format in which it is wanted, text by default: it is made meanwhile
   */
  refresh(mainBlocked: boolean, scrapeTimeoutMs: number | undefined, format?: Format): Promise<void>;
  /** Empty before the first answer. */
  pieces(format?: Format): Promise<readonly Piece[]>;
  ageMs(nowMs: number): number | undefined;
}

export function createRelay(options: RelayOptions): Relay {
  const { giveUpMs: firstMs = GIVE_UP_MS } = options;
  let giveUpMs = firstMs;
  let copy: Copy | undefined;
  let asking: Promise<void> | undefined;
  const allowance = createAllowance(options.now());
  /** No more is asked before: nothing came of it. */
  let vainUntilMs = Number.NEGATIVE_INFINITY;

  /** Takes over what main has answered. */
  async function accept(answer: RelayAnswer, format: Format): Promise<void> {
    allowance.spend(options.now(), costOf(answer));
    if ('fault' in answer) throw new Error(answer.fault);
    const { text, contentType, leftOut } = answer;
    if (leftOut > 0) options.onDrop('too_large', leftOut);
    if (leftOut > 0 && text.length === 0) vainUntilMs = options.now() + VAIN_MS;
    const atMs = options.now();
    const exposition = await cleanFamilies(text, {
      openMetrics: contentType.includes('openmetrics'),
      labels: options.labels,
      processMetrics: options.processMetrics,
      onDrop: (reason) => options.onDrop(reason, 1),
    });
    await exposition.pieces(format);
    copy = { exposition, atMs };
  }

  async function ask(format: Format): Promise<void> {
    const turn = options.turns();
    let silent = false;
    try {
      const answer = await withDeadline(options.fetch(), giveUpMs, () => {
        silent = true;
        return new Error('the registry does not answer');
      });
      await accept(answer, format);
      giveUpMs = firstMs;
    } catch {
      // Main has not turned since: no fault of its registry's.
      if (silent && options.turns() === turn) return;
      // The app's registry threw, or hangs: counted, and the last copy goes on being served.
      options.onError();
      // A registry that hangs keeps each question for good: let them be few.
      giveUpMs = Math.min(giveUpMs * 2, GIVE_UP_MAX_MS);
    } finally {
      asking = undefined;
    }
  }

  return {
    async refresh(mainBlocked, scrapeTimeoutMs = Number.POSITIVE_INFINITY, format = 'text') {
      if (mainBlocked) return;
      const nowMs = options.now();
      // One question at a time: a registry that never answers must not gather questions.
      if (!asking && nowMs >= vainUntilMs && allowance.left(nowMs)) asking = ask(format);
      if (asking) await Promise.race([asking, delay(Math.min(DEADLINE_MS, scrapeTimeoutMs * TIMEOUT_SHARE))]);
    },
    async pieces(format = 'text') {
      try {
        return (await copy?.exposition.pieces(format)) ?? [];
      } catch {
        // It cannot be made into this format: the watchdog's own metrics are served all the same.
        options.onError();
        return [];
      }
    },
    ageMs: (nowMs) => (copy ? nowMs - copy.atMs : undefined),
  };
}

function costOf(answer: RelayAnswer): number {
  const mib = 'text' in answer ? answer.text.length / 2 ** 20 : 0;
  return answer.costMs + mib * COST_MS_PER_MIB;
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
