import type { Cause } from '../../src/shared/labels.js';
import type { RequestContext } from '../../src/shared/stall.js';
import type { LoopState } from '../../src/shared/status.js';

export const STATE_WORDS: Readonly<Record<LoopState, string>> = {
  starting: 'Starting',
  turning: 'Turning',
  late: 'Late',
  blocked: 'Blocked',
  paused: 'Paused',
};

/** What a cause means, in a few words. */
export const CAUSE_WORDS: Readonly<Record<Cause, string>> = {
  cpu: 'code ran on the loop',
  gc: 'garbage collection',
  blocked: 'asleep in a synchronous call',
  starved: 'got no CPU to run on',
  suspended: 'the whole process stood still',
  unknown: 'the system does not tell why',
};

/** What a request is called: as the app names it, or as its span is. */
export function requestName({ name, context }: RequestContext): string | undefined {
  if (typeof context === 'string') return context;
  return name ?? (context === undefined ? undefined : JSON.stringify(context));
}

/** Of a path as much as tells one file from another at a glance; of a dependency's, from its name on. */
export function shortPath(file: string): string {
  const dependency = file.split('node_modules/').at(-1) as string;
  if (dependency !== file) return dependency;
  const parts = file.replace(/^file:\/\//, '').split('/');
  return parts.length > 3 ? `…/${parts.slice(-2).join('/')}` : file;
}
