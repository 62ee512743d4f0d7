import { runInNewContext } from 'node:vm';
import { now } from '../shared/clock.js';
import { LOOK_URL, type LookAnswer } from '../shared/stall.js';

/** More than the inspector thread keeps: native frames are among these, and not among those. */
const SITES_MAX = 128;
/**
 * Of so many scripts, the innermost not Node.js' own, the text is told apart: 6 ms for each MiB, once for
 * each.
 */
const HASHES_MAX = 16;

/**
 * Where this thread is. Where the functions on the stack begin, and the hash of a script's text, V8 tells
 * only to who formats a stack: `Error.prepareStackTrace`. The app's is the app's, and a look may be ended in
 * its midst. So this one is of another realm, with an `Error`, arrays and a JSON of its own.
 */
const PROGRAM = `
Error.stackTraceLimit = ${SITES_MAX};
Error.prepareStackTrace = (_, sites) => sites;
(turn, atMs) => {
  const all = new Error().stack;
  const sites = [];
  const hashes = new Map();
  const ours = all.findIndex((site) => site.getScriptNameOrSourceURL() === '${LOOK_URL}');
  for (const site of all.slice(ours + 1)) {
    const url = site.getScriptNameOrSourceURL();
    if (typeof url !== 'string' || site.getLineNumber() === null) continue;
    const known = url.startsWith('node:') || hashes.has(url) || hashes.size >= ${HASHES_MAX};
    if (!known) hashes.set(url, site.getScriptHash());
    const from = [site.getEnclosingLineNumber(), site.getEnclosingColumnNumber()];
    sites.push([url, site.getLineNumber(), site.getColumnNumber(), ...from, hashes.get(url)]);
  }
  return JSON.stringify({ turn, atMs, sites });
}
//# sourceURL=event-loop-watchdog:sites`;

/**
 * @returns what the inspector thread has this thread call when it looks; it gives a {@link LookAnswer} as
 * JSON
 */
export function createLook(currentTurn: () => number): () => string {
  let look: ((turn: number, atMs: number) => string) | undefined;
  return () => {
    const turn = currentTurn();
    const atMs = now();
    try {
      // Made when it is first needed: 150 KiB, and most of a millisecond.
      look ??= runInNewContext(PROGRAM) as (turn: number, atMs: number) => string;
      return look(turn, atMs);
    } catch {
      // The inspector knows the stack without it.
      return `{"turn":${turn},"atMs":${atMs},"sites":[]}`;
    }
  };
}
