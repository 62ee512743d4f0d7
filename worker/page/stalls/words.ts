import { clock } from '../format.js';

const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

/** Local time, to the second; with the date if it is not that of `now`. */
export function momentOf(iso: string, now: Date): string {
  const then = new Date(iso);
  const time = clock(then.getTime());
  return then.toDateString() === now.toDateString() ? time : `${DAY.format(then)} ${time}`;
}

/** `1 sample`, `3 samples`. */
export const countOf = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;

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
  const path = url.slice('file://'.length);
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // A per cent sign that nobody has escaped.
  }
}
