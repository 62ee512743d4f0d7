import { readFileSync, statSync } from 'node:fs';

/** How often a file is looked at, at most. */
const LOOK_EVERY_MS = 1000;
/** Secrets and certificates are small. */
const MAX_BYTES = 2 ** 20;

/**
 * Keeps what is made of some files, and makes it anew when one of them changes. What cannot be read or used leaves the
 * old in place and is told once, until it can be again.
 * @returns a function that gives what is valid now; `undefined` if that never was
 */
export function followFiles<T>(
  paths: readonly string[],
  make: (texts: readonly string[]) => T,
  now: () => number,
  onFault: (error: Error) => void,
): () => T | undefined {
  let value: T | undefined;
  let seen = '';
  let lookedMs = Number.NEGATIVE_INFINITY;
  let faulty = false;
  return () => {
    if (now() - lookedMs < LOOK_EVERY_MS) return value;
    lookedMs = now();
    try {
      // Kubernetes replaces a link, others write in place: both change one of these.
      const stats = paths.map((path) => statSync(path));
      const versions = stats.map(({ ino, mtimeMs, size }) => `${ino} ${mtimeMs} ${size}`).join('\n');
      if (versions === seen) return value;
      // A pipe would be waited for.
      const odd = stats.findIndex((stat) => !stat.isFile() || stat.size > MAX_BYTES);
      if (odd >= 0) throw new Error(`${paths[odd]} is not a file of at most ${MAX_BYTES} bytes`);
      value = make(paths.map((path) => readFileSync(path, 'utf8')));
      seen = versions;
      faulty = false;
    } catch (error) {
      if (!faulty) onFault(error as Error);
      faulty = true;
    }
    return value;
  };
}
