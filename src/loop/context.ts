import { Script } from 'node:vm';
import { CONTEXT_KEY, type ContextReader } from '../shared/protocol.js';
import { CONTEXT_MAX_BYTES } from '../shared/stall.js';
import { reasonOf, warnOnce } from '../warn.js';

/** How long the app's function may take. */
const LIMIT_MS = 20;
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
 */
export function openContext(context: boolean | (() => unknown), currentTurn: () => number): Context {
  const reader = typeof context === 'function' ? createReader(context) : undefined;
  (globalThis as Global)[PLACE] = context !== false && { turn: currentTurn, ...reader?.place };
  return {
    tell() {
      const fault = reader?.fault();
      if (fault !== undefined) warnOnce(`The function of the option "context" ${fault}`, 'WATCHDOG_CONTEXT');
    },
    close() {
      (globalThis as Global)[PLACE] = undefined;
    },
  };
}

/**
 * Calls the app's function under a limit. It is `vm`'s: the time-out of the inspector's own `evaluate` ends
 * by taking back any termination that is under way, also one that was to end a script of the app's, and
 * nobody is told. That of `vm` takes back its own only.
 */
function createReader(context: () => unknown): {
  readonly place: Required<Omit<Place, 'turn'>>;
  readonly fault: () => string | undefined;
} {
  let call: Script | undefined;
  let fault: string | undefined;
  let over = false;

  function giveUp(why: string): void {
    over = true;
    fault = `${why}; it is not called again.`;
  }

  function ask(): string | undefined {
    const value = context();
    if (!isThenable(value)) return jsonOf(value);
    giveUp('returned a promise');
    // Nobody else waits for it: were it rejected, that would end the app.
    value.then(undefined, () => {});
    return undefined;
  }

  return {
    fault: () => fault,
    place: {
      ask,
      read() {
        if (over) return undefined;
        try {
          call ??= new Script(`globalThis[Symbol.for('${CONTEXT_KEY}')].ask()`, {
            filename: CONTEXT_KEY,
          });
          return call.runInThisContext({ timeout: LIMIT_MS });
        } catch (error) {
          if (isTimeout(error)) giveUp(`took longer than ${LIMIT_MS} ms`);
          else fault = `threw: ${reasonOf(error)}`;
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
