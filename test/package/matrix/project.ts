// What a row of the matrix consists of.

/** A real small project, made from the packed tarball. */
export interface Project {
  readonly name: string;
  /** Exact versions; the one by the name of `tool` is told in RESULTS.md. */
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly tool?: string;
  /** What installs it, in place of npm. What that needs is installed in a folder beside it. */
  readonly install?: string;
  readonly tools?: Readonly<Record<string, string>>;
  /** The lines of the project's package.json that matter. */
  readonly manifest?: object;
  readonly files: Readonly<Record<string, string>>;
  readonly ways: readonly Way[];
}

/** One way to build and start it. Commands are the shell's, with the project's own programs in the PATH. */
export interface Way {
  readonly name: string;
  /** Those of this way alone. */
  readonly files?: Readonly<Record<string, string>>;
  readonly build?: string;
  readonly start: string;
  /**
   * The file to blame: at the line that has `FREEZES`, or at the one named behind a colon; or, of a bundle
   * without a map, the bundle itself or its folder (`dist/`), where it has `Date.now()`. Absent: nobody.
   */
  readonly culprit?: string;
  /** What is to be said of it in RESULTS.md. */
  readonly note?: string;
  /** Lines of Node.js, by number; the default one if absent. */
  readonly nodes?: readonly number[];
  /** How many processes, each with a watchdog: on a port each, one after another. */
  readonly processes?: number;
  /** It ends by itself, without an error, when it is asked for `/end`. */
  readonly ends?: boolean;
  /** What is done to it after it has frozen once; it must do so again. */
  readonly reload?: string;
  /** What ends it, where its process alone is not all. */
  readonly stop?: string;
}

/** Where `freeze` stands, of which the rest of the app knows nothing. */
const FREEZE = (
  type: string,
): string => `// Blocks the thread that calls it. What it counts is returned, or bundlers would leave the call out.
export function freeze(ms${type}) {
  const end = Date.now() + ms;
  let times = 0;
  while (Date.now() < end) times += 1; // FREEZES
  return times;
}
`;

export const FREEZE_JS: string = FREEZE('');
export const FREEZE_TS: string = FREEZE(': number');
/** The same as CommonJS. */
const inCommonJs = (text: string): string => text.replace('export function', 'exports.freeze = function');
export const FREEZE_CJS: string = inCommonJs(FREEZE_JS);
export const FREEZE_CTS: string = inCommonJs(FREEZE_TS);

/** Serves, freezes when asked to, and ends when asked to. */
const SERVE = `
startWatchdog(Number(process.env.WATCHDOG_PORT));
const server = createServer((request, response) => {
  response.end(request.url === '/freeze' ? String(freeze(3000)) : 'served');
  if (request.url === '/end') server.close();
}).listen(Number(process.env.PORT));
`;

export const APP: string = `import { createServer } from 'node:http';
import { startWatchdog } from 'event-loop-watchdog';
import { freeze } from './freeze.js';
${SERVE}`;

export const APP_CJS: string = `const { createServer } = require('node:http');
const { startWatchdog } = require('event-loop-watchdog');
const { freeze } = require('./freeze.cjs');
${SERVE}`;
