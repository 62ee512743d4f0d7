import type { PoolStatus } from './status.js';

// Figures for people, the same wherever they are told: by the command, by `GET /`, on the page.

/** `0.4 ms`, `35 ms`, `12.3 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `900 KiB`, `1.5 MiB`, `182 MiB`, `4.0 GiB`. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  for (; value >= 999.5 && unit < UNITS.length - 1; unit++) value /= 1024;
  return `${value.toFixed(unit > 0 && value < 9.95 ? 1 : 0)} ${UNITS[unit]}`;
}

/** How full a pool is: what waits counts as much as what runs. Where there is no limit only that counts. */
export function fullness({ active = 0, queued = 0, capacity }: PoolStatus): number {
  return capacity ? (active + queued) / capacity : queued;
}

/** A share as `2 %`. */
export const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
