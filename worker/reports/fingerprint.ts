import { createHash } from 'node:crypto';
import type { Stall } from '../../src/shared/stall.js';

/** Frames of the app's own code that make up a fingerprint. */
const FINGERPRINT_FRAMES = 3;

/**
 * Same for stalls of one thread and cause whose innermost own functions are the same, wherever in them the
 * time was spent.
 */
export function fingerprintOf({ thread, cause, stacks }: Pick<Stall, 'thread' | 'cause' | 'stacks'>): string {
  const frames = stacks.find((sample) => sample.frames.length > 0)?.frames ?? [];
  const own = frames.filter((frame) => !frame.internal).slice(0, FINGERPRINT_FRAMES);
  const places = own.map((frame) => `${frame.function} ${frame.file}`);
  return createHash('sha1')
    .update([thread, cause, ...places].join('\n'))
    .digest('hex')
    .slice(0, 12);
}
