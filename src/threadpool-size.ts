const DEFAULT = 4;
const MAX = 1024;

/** How many threads libuv's pool has, read from the variable as libuv does it: 4 without, 1024 at most. */
export function threadpoolSize(variable: string | undefined): number {
  if (variable === undefined) return DEFAULT;
  const given = Number.parseInt(variable, 10) || 1;
  // libuv's number has no sign: what is below 0 is huge.
  return given < 0 ? MAX : Math.min(given, MAX);
}
