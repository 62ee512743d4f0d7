import { availableParallelism } from 'node:os';
import { type Conversation, delay } from './conversation.js';
import { createIntervals, type Intervals } from './interval.js';
import type { FollowEnd, FollowNews, FollowRequest, FollowSample } from './messages.js';
import type { KnownScripts } from './scripts.js';
import type { Connection, Connections } from './session.js';
import { createSites, type Sites } from './sites.js';
import type { SourceFiles } from './source-text.js';
import { type RawStack, takeStack } from './stack.js';
import { inSurroundings, ownCpuMs } from './surroundings.js';
import type { AttachedWorker } from './workers.js';

/** The session stays open from one look to the next if no more than this lies between. */
const HOLD_MAX_MS = 250;
/** How often the end of the stall is looked for, with the session open and without. */
const OVER_POLL_MS = 20;
const OVER_POLL_CLOSED_MS = 25;
/** Locations are mapped after the first look, then so rarely, and in the end. */
const MAP_EVERY_MS = 1000;
const MAP_EVERY_TIMES = 20;
/** What it is taken to cost to ask V8 for scripts before that was measured: 20 us for each that is loaded. */
const ASKING_GUESS_MS = 50;

/** When nobody wants to know any more an answer may be on its way. */
const ON_ITS_WAY_MS = 20;
const UNANSWERED: RawStack = { result: 'unanswered', frames: [], costMs: 0 };

/** What this thread takes of the only CPU that there is the stall has to wait for. */
const ALONE = availableParallelism() === 1;

export interface FollowOptions extends Omit<FollowRequest, 'type'> {
  readonly connections: Connections;
  /** @returns `undefined` if the thread is not reached in time */
  readonly reach: (
    connection: Connection,
  ) => Promise<Pick<AttachedWorker, 'conversation' | 'gone'> | undefined>;
  readonly currentTurn: () => number;
  readonly now: () => number;
  readonly files: SourceFiles;
  /** Whether to ask, too, which request it is. */
  readonly context: boolean;
  readonly sourceLines: boolean;
  /** Nobody wants to know any more. */
  readonly released: AbortSignal;
  readonly onNews: (news: FollowNews) => void;
}

/** What is known of a stall that is followed. */
interface Known {
  readonly intervals: Intervals;
  readonly sites: Sites;
  readonly scripts: KnownScripts;
  looks: number;
  /** It calls native code that takes its time: what is seen after it may have run nothing. */
  native: boolean;
  askingMs: number;
  /** For so many milliseconds this thread had been on a CPU at the latest look. */
  cpuMs: number | undefined;
  /** When locations may be mapped again. */
  mapAtMs: number;
}

/**
 * Looks at a thread as long as the turn lasts. No session is open while locations are mapped, which may take
 * long, nor between looks that are far apart: the end of the process would wait for it.
 */
export async function follow(options: FollowOptions): Promise<FollowEnd> {
  const known: Known = {
    intervals: createIntervals({ budgetMs: options.budgetMs, random: Math.random }),
    sites: createSites(),
    scripts: new Map(),
    looks: 0,
    native: false,
    askingMs: ASKING_GUESS_MS,
    cpuMs: undefined,
    mapAtMs: Number.NEGATIVE_INFINITY,
  };
  let goesOn = true;
  while (goesOn) {
    const reached = await options.connections.use(async (connection) => {
      const found = await options.reach(connection);
      if (!found) return false;
      const looked = lookOften(found.conversation, options, known).then(() => true);
      return Promise.race([looked, found.gone]);
    });
    if (mapIsDue(options, known)) map(options, known);
    const waitMs = reached ? nextMs(options, known) : undefined;
    goesOn = waitMs !== undefined && (await lasts(waitMs, OVER_POLL_CLOSED_MS, options));
  }
  map(options, known);
  return { result: 'captured' };
}

const nextMs = ({ now, startMs }: FollowOptions, { intervals }: Known): number | undefined =>
  intervals.nextMs(now() - startMs);

/** Looks until the session had better be closed. */
async function lookOften(conversation: Conversation, options: FollowOptions, known: Known): Promise<void> {
  for (;;) {
    await lookOnce(conversation, options, known);
    const waitMs = nextMs(options, known);
    if (waitMs === undefined || waitMs > HOLD_MAX_MS || mapIsDue(options, known)) return;
    if (!(await lasts(waitMs, OVER_POLL_MS, options))) return;
  }
}

async function lookOnce(conversation: Conversation, options: FollowOptions, known: Known): Promise<void> {
  const { target, now, startMs, files, context, released, onNews } = options;
  const { sites, scripts, intervals } = known;
  const index = known.looks++;
  const atMs = now() - startMs;
  const tell = ({ frames, ...rest }: RawStack): void => {
    const sample: FollowSample = { ...rest, index, atMs, stack: frames.map(sites.add) };
    onNews({ sample, sites: sites.fresh() });
  };
  const askedBefore = asked(scripts);
  const seen = await inSurroundings({ files, context }, (optionsOf) => {
    const look = takeStack(conversation, {
      ...options,
      ...optionsOf(target),
      onSeen: index === 0 ? tell : () => {},
      once: index > 0 && !known.native,
      scripts,
      spareV8: index > 0 && !intervals.affords(atMs, known.askingMs),
    });
    const given = aborted(released).then(() => delay(ON_ITS_WAY_MS));
    return Promise.race([look, given]);
  });
  const raw = seen ?? UNANSWERED;
  const cpuMs = ownCpuMs();
  intervals.note(raw.costMs + (ALONE ? cpuMs - (known.cpuMs ?? cpuMs) : 0));
  known.cpuMs = cpuMs;
  if (asked(scripts) > askedBefore) known.askingMs = raw.costMs;
  known.native ||= raw.nativeMs !== undefined;
  tell(raw);
}

/** Of how many scripts V8 was asked. */
const asked = (scripts: KnownScripts): number =>
  [...scripts.values()].filter((known) => typeof known === 'object').length;

function mapIsDue({ now }: FollowOptions, { sites, mapAtMs }: Known): boolean {
  return sites.unmapped() && now() >= mapAtMs;
}

function map({ files, sourceLines, now, onNews }: FollowOptions, known: Known): void {
  if (!known.sites.unmapped()) return;
  const fromMs = now();
  onNews({ sites: known.sites.map({ files, sourceLines }) });
  known.mapAtMs = now() + Math.max(MAP_EVERY_MS, MAP_EVERY_TIMES * (now() - fromMs));
}

/** Waits. @returns whether the turn goes on; as soon as it does not */
function lasts(
  ms: number,
  pollMs: number,
  { now, turn, currentTurn, released }: FollowOptions,
): Promise<boolean> {
  const isOver = (): boolean => released.aborted || currentTurn() !== turn;
  const untilMs = now() + ms;
  return new Promise((resolve) => {
    const check = (): void => {
      if (isOver()) resolve(false);
      else if (now() >= untilMs) resolve(true);
      else setTimeout(check, Math.max(1, Math.min(pollMs, untilMs - now())));
    };
    check();
  });
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
