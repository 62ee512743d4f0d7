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

/** `900 KiB`, `1.5 MiB`, `182 MiB`. */
export function bytes(count: number): string {
  const mib = count / 2 ** 20;
  if (mib < 0.95) return `${(count / 1024).toFixed(0)} KiB`;
  return mib < 9.95 ? `${mib.toFixed(1)} MiB` : `${mib.toFixed(0)} MiB`;
}

/** A share as `2 %`. */
export const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
