import type { CaptureResult, Cause } from '../../../src/shared/labels.js';
import type { StackSample, Stall } from '../../../src/shared/stall.js';
import { duration, share as percent } from '../format.js';
import { countOf } from './words.js';

/** What a part of a stall's time went into. */
export interface Part {
  /** What the stall's cause were if it was all of it. */
  readonly cause: Cause;
  readonly words: string;
  readonly ms: number;
  readonly share: number;
}

/** What the time went into, nothing twice; what is not accounted for comes last. */
export function partsOf(stall: Stall): Part[] {
  const { durationMs, cpuMs = 0, runQueueMs = 0, sleepMs = 0, suspendedMs } = stall;
  // In a collection, too, main may have waited for a CPU: as often as at any other time.
  const gcMs = stall.gcMs * Math.max(0, 1 - runQueueMs / durationMs);
  // Collections are timed by the clock, and part of them main slept through, while V8's threads did the work.
  const gcOnCpuMs = stall.cpuMs === undefined ? 0 : Math.min(gcMs, cpuMs);
  const gcAsleepMs = Math.min(gcMs - gcOnCpuMs, Math.max(0, sleepMs - suspendedMs));
  const known: readonly (readonly [Cause, string, number])[] = [
    ['cpu', 'on a CPU', cpuMs - gcOnCpuMs],
    ['gc', 'garbage collection', stall.cpuMs === undefined ? gcMs : gcOnCpuMs + gcAsleepMs],
    ['blocked', 'asleep in a system call or lock', sleepMs - suspendedMs - gcAsleepMs],
    ['starved', 'waiting for a CPU', runQueueMs],
    ['suspended', 'whole process stood still', suspendedMs],
  ];
  const sum = known.reduce((all, [, , ms]) => all + Math.max(0, ms), 0);
  const parts = [...known, ['unknown', 'not accounted for', durationMs - sum] as const];
  const wholeMs = Math.max(durationMs, sum);
  // Accounts are read at other moments than the stall's begin and end: less than a hundredth is no news.
  return parts
    .filter(([, , ms]) => ms >= wholeMs / 100)
    .map(([cause, words, ms]) => ({ cause, words, ms, share: ms / wholeMs }));
}

/** What else is known of it, by name. */
export function factsOf(stall: Stall): readonly (readonly [name: string, value: string])[] {
  const { thread, state, syscall, nativeMs, samples } = stall;
  const states = { R: 'running', S: 'asleep', D: 'asleep, not to be woken', T: 'stopped', t: 'traced' };
  const stateInWords = state === undefined ? '' : (states as Record<string, string>)[state];
  const facts = [
    ['Thread', thread],
    ['State when looked at', state && `${state}${stateInWords ? ` (${stateInWords})` : ''}`],
    ['System call', syscall],
    ['In native code', nativeMs && `about ${duration(nativeMs)}`],
    ['Samples of the stack', samples && String(samples)],
  ] as const;
  return facts.flatMap(([name, value]) => (value ? [[name, value] as const] : []));
}

const NO_STACK: Readonly<Record<Exclude<CaptureResult, 'captured'>, string>> = {
  late: 'it had moved on, or ran no JavaScript',
  unanswered: 'no answer: native code or a system call until the end',
  unavailable: 'V8 cannot be asked: a debugger is attached, permissions forbid it, or there is no inspector',
  over_budget: 'not looked at: looks have cost their part of the time',
  failed: 'the look failed, by a fault or for want of memory',
};

/** What one look at the stack has come to. */
export function sampleInWords({ atMs, result, frames, nativeMs }: StackSample): string {
  const when = `${duration(atMs)} in: `;
  if (result !== 'captured') return `${when}${NO_STACK[result]}`;
  const native = nativeMs === undefined ? '' : `, after ${duration(nativeMs)} in native code`;
  const [innermost] = frames;
  return innermost ? `${when}${innermost.function}${native}` : `${when}no JavaScript on the stack${native}`;
}

/** Of how many of the samples a request was. */
export function samplesInWords(samples: number, all: number | undefined): string {
  return all
    ? `${samples} of ${countOf(all, 'sample')} (${percent(samples / all)})`
    : countOf(samples, 'sample');
}
