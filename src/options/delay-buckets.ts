import { DELAY_BOUNDS_MAX, DELAY_BOUNDS_MS } from '../shared/layout.js';
import { invalid, type OptionSpec } from './checks.js';

const MIN = 2;

export const DELAY_BUCKETS: OptionSpec<readonly number[]> = {
  env: 'WATCHDOG_DELAY_BUCKETS',
  default: Object.freeze([...DELAY_BOUNDS_MS]),
  rule: `an array of ${MIN} to ${DELAY_BOUNDS_MAX} numbers of milliseconds`,
  envRule: `${MIN} to ${DELAY_BOUNDS_MAX} ascending numbers of milliseconds, separated by commas`,
  envValue: (text) => {
    const bounds = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
    return bounds.every(isNextBound) ? bounds : undefined;
  },
  check: (value) => {
    if (!Array.isArray(value) || value.length < MIN || value.length > DELAY_BOUNDS_MAX) return undefined;
    const wrong = value.findIndex((...bound) => !isNextBound(...bound));
    if (wrong < 0) return Object.freeze([...value]);
    throw invalid(
      `delayBuckets[${wrong}]`,
      'a finite number, above 0 and above the one before it',
      value[wrong],
    );
  },
};

/** They must differ as seconds, too: that is what they are told in. */
function isNextBound(bound: unknown, i: number, bounds: readonly unknown[]): boolean {
  const before = i === 0 ? 0 : (bounds[i - 1] as number);
  return Number.isFinite(bound) && (bound as number) / 1000 > before / 1000;
}
