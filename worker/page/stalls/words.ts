/** Figures and places as people read them. */

/** A length of time, with its unit: `850 ms`, `12.3 s`, `3 min 5 s`, `2 h 10 min`. */
export function lengthOf(ms: number): string {
  if (ms < 999.5) return `${ms < 9.95 && ms > 0 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A part of a whole, 0 to 1. */
export function percentOf(share: number): string {
  const percent = 100 * share;
  return percent > 0 && percent < 0.95 ? '<1 %' : `${percent.toFixed(0)} %`;
}

/** Local time, to the second; with the date if it is not that of `now`. */
export function momentOf(iso: string, now: Date): string {
  const then = new Date(iso);
  const time = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const;
  const day = { month: 'short', day: 'numeric' } as const;
  const today = then.toDateString() === now.toDateString();
  return then.toLocaleString(undefined, today ? time : { ...day, ...time });
}

/** `1 sample`, `3 samples`. */
export const countOf = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;

/** What it takes to know a file among an app's: its folder and name; of a dependency, whose it is. */
export function shortFile(file: string): string {
  const dependency = file.split('node_modules/').at(-1) as string;
  if (dependency !== file) return dependency;
  return file.startsWith('node:') ? file : file.split('/').slice(-2).join('/');
}

/** Whose code it is. `engine`: V8's own, and what has no code. */
export type Owner = 'app' | 'dependency' | 'node' | 'engine';

export function ownerOf(file: string): Owner {
  if (file === '') return 'engine';
  if (file.startsWith('node:')) return 'node';
  return file.includes('node_modules/') ? 'dependency' : 'app';
}

/** A file's path, where its URL says it. */
export function pathOf(url: string): string {
  if (!url.startsWith('file://')) return url;
  try {
    return decodeURIComponent(url.slice('file://'.length));
  } catch {
    return url; // A per cent sign that nobody has escaped.
  }
}
