// Of `node:util` itself the bundle would read all properties: Node.js 22 opens the standard streams for one.
import { isPromise } from 'node:util/types';
import { runInNewContext, Script } from 'node:vm';
import { CONTEXT_KEY, type ContextReader } from '../shared/protocol.js';
import { CONTEXT_MAX_BYTES } from '../shared/stall.js';
import { reasonOf, warn } from '../warn.js';

/** How long the app's function may take. */
const LIMIT_MS = 20;
/** So often in a row, and it is called no more. */
const TIMEOUTS_MAX = 3;
/** Deeper stacks are not looked through. */
const DEPTH_MAX = 500;
/**
 * Whether what runs may be under a time-out of `vm`. In a realm of its own, for the app may format stacks in
 * its way.
 */
const STACK_PROGRAM = `
Error.stackTraceLimit = ${DEPTH_MAX};
Error.prepareStackTrace = (_, sites) => sites;
() => {
  const files = new Error().stack.map((site) => site.getFileName());
  return files.length === ${DEPTH_MAX} || files.some((file) => /^node:(internal\\/)?vm/.test(file));
}
//# sourceURL=${CONTEXT_KEY}`;
const NO_JSON = JSON.stringify('[no JSON]');

const PLACE: unique symbol = Symbol.for(CONTEXT_KEY) as never;
type Place = ContextReader & { ask?(): string | undefined };
type Global = typeof globalThis & { [PLACE]?: Place | false | undefined };

/** What this thread says of its requests. */
export interface Context {
  /** Tells of what was wrong with the app's function. To be called now and then: not from within a look. */
  tell(): void;
  close(): void;
}

/**
 * Lets the inspector thread find what there is to know of the request that this thread is at.
 * @param context `false`: nothing; a function: what the app says of it
 * @param limitMs how long that may take; another for tests
 */
export function openContext(
  context: boolean | (() => unknown),
  currentTurn: () => number,
  limitMs: number = LIMIT_MS,
): Context {
  const reader = typeof context === 'function' ? createReader(context, limitMs) : undefined;
  (globalThis as Global)[PLACE] = context !== false && { turn: currentTurn, ...reader?.place };
  return {
    tell() {
      const fault = reader?.takeFault();
      if (fault !== undefined) warn(`The function of the option "context" ${fault}`, 'WATCHDOG_CONTEXT');
    },
    close() {
      (globalThis as Global)[PLACE] = undefined;
    },
  };
}

/**
 * Calls the app's function under a limit. It is `vm`'s: the time-out of the inspector's own `evaluate` ends
 * by taking back any termination that is under way, also the one by which a script of the app's was to end,
 * and nobody is told. That of `vm` takes back its own, and where both come at once the other's, too: so
 * nothing is asked where the app may have one.
 */
function createReader(
  context: () => unknown,
  limitMs: number,
): {
  readonly place: Required<Omit<Place, 'turn'>>;
  /** What was wrong, and was not told yet. */
  readonly takeFault: () => string | undefined;
} {
  let call: Script | undefined;
  let mayBeLimited: (() => boolean) | undefined;
  let fault: string | undefined;
  let threw = false;
  let timeouts = 0;
  let over = false;

  function giveUp(why: string): void {
    over = true;
    fault = `${why}; it is not called again.`;
  }

  function ask(): string | undefined {
    try {
      const value = context();
      if (!isThenable(value)) return jsonOf(value);
      giveUp('returned a promise');
      // Nobody else waits for it: were it rejected, that would end the app.
      if (isPromise(value)) value.catch(() => {});
    } catch (error) {
      // Once: it may be another message each time.
      if (!threw) fault = `threw: ${reasonOf(error)}`;
      threw = true;
    }
    return undefined;
  }

  function callLimited(): string | undefined {
    mayBeLimited ??= runInNewContext(STACK_PROGRAM) as () => boolean;
    if (mayBeLimited()) return undefined;
    call ??= new Script(`globalThis[Symbol.for('${CONTEXT_KEY}')].ask()`, { filename: CONTEXT_KEY });
    const said: string | undefined = call.runInThisContext({ timeout: limitMs });
    timeouts = 0;
    return said;
  }

  return {
    takeFault() {
      const untold = fault;
      fault = undefined;
      return untold;
    },
    place: {
      ask,
      read() {
        if (over) return undefined;
        try {
          return callLimited();
        } catch (error) {
          // Once or twice a busy machine may have kept it from its end.
          if (isTimeout(error) && ++timeouts === TIMEOUTS_MAX)
            giveUp(`took longer than ${limitMs} ms each time`);
          return undefined;
        }
      },
    },
  };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}

function isTimeout(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
}

/** @returns more than is kept only if there is more */
function jsonOf(value: unknown): string | undefined {
  try {
    const text = JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? `${one}` : one));
    return text?.slice(0, CONTEXT_MAX_BYTES + 1);
  } catch {
    // A circle, or a `toJSON` that throws.
    return NO_JSON;
  }
}
