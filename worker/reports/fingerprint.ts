import { createHash } from 'node:crypto';
import type { Frame, Stall } from '../../src/shared/stall.js';

interface FingerprintOf extends Pick<Stall, 'thread' | 'cause'> {
  /** The innermost own functions of its hottest stack. */
  readonly path: readonly Frame[];
}

/**
 * Same for stalls of one thread and cause whose innermost own functions are the same, wherever in them the
 * time was spent.
 */
export function fingerprintOf({ thread, cause, path }: FingerprintOf): string {
  const places = path.map((frame) => `${frame.function} ${frame.file}`);
  return createHash('sha1')
    .update([thread, cause, ...places].join('\n'))
    .digest('hex')
    .slice(0, 12);
}
