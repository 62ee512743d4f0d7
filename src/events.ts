import diagnostics from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { WatchdogError } from './errors.js';
import { show, typeOf } from './options/show.js';
import type { Stall } from './shared/stall.js';
import type { WatchdogEvents } from './types.js';
import { framesOf, reasonOf, warn } from './warn.js';

/** `node:diagnostics_channel` on which finished stalls are published. */
const stallChannel = diagnostics.channel('event-loop-watchdog:stall');

type Listen = <E extends keyof WatchdogEvents>(
  event: E,
  listener: (...args: WatchdogEvents[E]) => void,
) => void;

/** Who is told of stalls on the main thread: the `log` function, listeners, the diagnostics channel. */
export interface StallEvents {
  readonly on: Listen;
  readonly once: Listen;
  readonly off: Listen;
  publish(stall: Stall): void;
  clear(): void;
}

export function createStallEvents(log: ((stall: Stall) => void) | undefined): StallEvents {
  const emitter = new EventEmitter();
  const listen =
    (method: 'on' | 'once' | 'off'): Listen =>
    (event, listener) => {
      check(event, listener);
      emitter[method](event, listener as (stall: Stall) => void);
    };
  return {
    on: listen('on'),
    once: listen('once'),
    off: listen('off'),
    clear: () => void emitter.removeAllListeners(),
    publish(stall) {
      if (stallChannel.hasSubscribers) stallChannel.publish(stall);
      for (const listener of [...(log ? [log] : []), ...emitter.rawListeners('stall')]) {
        // A fault of the app's, but not one to bring it down: it came up in the watchdog's message handler.
        // The listener may be an async function, too.
        new Promise((resolve) => resolve(listener(stall))).catch((error: unknown) => {
          warn(
            `A listener of the watchdog's "stall" event threw: ${reasonOf(error)}`,
            'WATCHDOG_LISTENER_THREW',
            framesOf(error),
          );
        });
      }
    },
  };
}

function check(event: unknown, listener: unknown): void {
  if (event !== 'stall') {
    throw new WatchdogError(
      'ERR_WATCHDOG_INVALID_ARGUMENT',
      `There is no event ${show(event)}; there is "stall".`,
    );
  }
  if (typeof listener !== 'function') {
    throw new WatchdogError(
      'ERR_WATCHDOG_INVALID_ARGUMENT',
      `A listener must be a function, but is ${show(listener)} (${typeOf(listener)}).`,
    );
  }
}
