import diagnostics from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { WatchdogError } from './errors.js';
import { show, typeOf } from './options/show.js';
import type { Stall } from './shared/stall.js';
import type { WatchdogEvents } from './types.js';
import { framesOf, reasonOf, warn } from './warn.js';

type Name = keyof WatchdogEvents;
type Listener<E extends Name> = (...args: WatchdogEvents[E]) => void;
type Listen = <E extends Name>(event: E, listener: Listener<E>) => void;

/** All events, and the `node:diagnostics_channel` on which each is published, too. */
const CHANNELS: Readonly<Record<Name, ReturnType<typeof diagnostics.channel>>> = {
  stall: diagnostics.channel('event-loop-watchdog:stall'),
  slowTask: diagnostics.channel('event-loop-watchdog:slow-task'),
};

/** Who is told what the sidecar found: the `log` function (of stalls), listeners, the diagnostics channels. */
export interface Events {
  readonly on: Listen;
  readonly once: Listen;
  readonly off: Listen;
  publish<E extends Name>(event: E, ...told: WatchdogEvents[E]): void;
  clear(): void;
}

export function createEvents(log: ((stall: Stall) => void) | undefined): Events {
  const emitter = new EventEmitter();
  const listen =
    (method: 'on' | 'once' | 'off'): Listen =>
    (event, listener) => {
      check(event, listener);
      emitter[method](event, listener as (...args: unknown[]) => void);
    };
  return {
    on: listen('on'),
    once: listen('once'),
    off: listen('off'),
    clear: () => void emitter.removeAllListeners(),
    publish(event, ...told) {
      const channel = CHANNELS[event];
      if (channel.hasSubscribers) channel.publish(told[0]);
      const logs = log && event === 'stall' ? [log] : [];
      for (const listener of [...logs, ...emitter.rawListeners(event)]) {
        // A fault of the app's, but not one to bring it down: it came up in the watchdog's message handler.
        // The listener may be an async function, too.
        new Promise((resolve) => resolve(listener(...told))).catch((error: unknown) => {
          warn(
            `A listener of the watchdog's "${event}" event threw: ${reasonOf(error)}`,
            'WATCHDOG_LISTENER_THREW',
            framesOf(error),
          );
        });
      }
    },
  };
}

function check(event: unknown, listener: unknown): void {
  if (typeof event !== 'string' || !Object.hasOwn(CHANNELS, event)) {
    const known = Object.keys(CHANNELS).map((name) => show(name));
    throw new WatchdogError(
      'ERR_WATCHDOG_INVALID_ARGUMENT',
      `There is no event ${show(event)}; there are ${known.join(', ')}.`,
    );
  }
  if (typeof listener !== 'function') {
    throw new WatchdogError(
      'ERR_WATCHDOG_INVALID_ARGUMENT',
      `A listener must be a function, but is ${show(listener)} (${typeOf(listener)}).`,
    );
  }
}
