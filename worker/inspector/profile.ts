import type { Profiler } from 'node:inspector';
import type { Conversation } from './conversation.js';
import { isWasm } from './frames.js';
import { look } from './look.js';

/** Microseconds between samples: 200 a second. */
const SAMPLING_INTERVAL_US = 5000;
/** Functions of the stack that are made to show up in the profile. */
const UNOPTIMIZED_MAX = 8;

export interface ProfileOptions {
  readonly durationMs: number;
  /** Give up after this long. */
  readonly deadlineMs: number;
  /** The number of the turn in progress. */
  readonly currentTurn: () => number;
}

/** @returns `undefined` if main did not answer in time */
export function takeProfile(
  session: Conversation,
  { durationMs, deadlineMs, currentTurn }: ProfileOptions,
): Promise<Profiler.Profile | undefined> {
  return new Promise((resolve) => {
    let stop: NodeJS.Timeout | undefined;
    const deadline = setTimeout(() => finish(undefined), deadlineMs);
    const finish = (profile: Profiler.Profile | undefined): void => {
      clearTimeout(deadline);
      clearTimeout(stop);
      resolve(profile);
    };
    session.post('Profiler.enable');
    session.post('Profiler.setSamplingInterval', { interval: SAMPLING_INTERVAL_US });
    session.post('Profiler.start', (error) => {
      if (error) {
        finish(undefined);
        return;
      }
      stop = setTimeout(() => {
        session.post('Profiler.stop', (failed, answer) => finish(failed ? undefined : answer.profile));
        session.post('Profiler.disable');
      }, durationMs);
    });
    // The session may be closed meanwhile.
    unoptimize(session, currentTurn).catch(() => {});
  });
}

/**
 * Makes the functions that are running show up in the profile. Code that V8 optimized while nobody was
 * profiling has no entry in the profiler's map: its samples go to the caller. A breakpoint, which is never
 * stopped at, throws that code away; what replaces it is known. Main waits for nobody: no step needs an
 * answer of ours.
 */
async function unoptimize(session: Conversation, currentTurn: () => number): Promise<void> {
  const seen = await look(session, { currentTurn });
  const own = seen?.frames.filter((one) => !one.url.startsWith('node:') && !isWasm(one)) ?? [];
  if (own.length === 0) return;
  session.post('Debugger.enable');
  session.post('Debugger.setSkipAllPauses', { skip: true });
  for (const { scriptId, lineNumber, columnNumber } of own.slice(0, UNOPTIMIZED_MAX)) {
    session.post('Debugger.setBreakpoint', { location: { scriptId, lineNumber, columnNumber } });
  }
  // Takes the breakpoints along.
  session.post('Debugger.disable');
}
