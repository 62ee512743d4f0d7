import * as figures from '../../src/shared/figures.js';

/** Figures for people: with units, and as wide as the one before, mostly, so that nothing jumps. */

/** As elsewhere, but for no time at all: without places. */
export const duration = (ms: number): string => (ms < 0.05 ? '0 ms' : figures.duration(ms));

export const bytes: (count: number) => string = figures.bytes;

export const share: (part: number) => string = figures.percent;

export function cpus(count: number): string {
  return count.toFixed(2);
}

export function count(number: number): string {
  return Math.round(number).toLocaleString('en');
}

const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const CLOCK_SHORT = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

/** Local time of day. */
export function clock(unixMs: number): string {
  return CLOCK.format(unixMs);
}

export function clockShort(unixMs: number): string {
  return CLOCK_SHORT.format(unixMs);
}
