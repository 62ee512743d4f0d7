import type { Instruments } from './loop/instrument.js';
import type { LoopMemory } from './shared/layout.js';
import type { SidecarMessage } from './shared/protocol.js';

type MessageOf<T extends SidecarMessage['type']> = Extract<SidecarMessage, { type: T }>;
export type Settings = MessageOf<'settings'>;
export type Refusal = MessageOf<'refused'>;

/** The beating of this thread, for one watchdog. */
export interface Attachment {
  readonly watchdog: string;
  readonly memory: LoopMemory;
  readonly instruments: Instruments;
}

export interface MembershipEffects {
  /** Asks whatever sidecar there is for its settings. */
  ask(): void;
  /** Begins to beat. */
  attach(settings: Settings): Attachment;
  /** Asks the sidecar to count this thread; again when it is a new one. */
  join(attachment: Attachment): void;
  joined(): void;
  refused(refusal: Refusal): void;
}

/** To which watchdog this thread belongs. */
export interface Membership {
  hear(message: SidecarMessage): void;
  attachment(): Attachment | undefined;
  /** Beats no longer. */
  end(): void;
}

/** @param thread the id by which the sidecars know this thread */
export function createMembership(thread: string, effects: MembershipEffects): Membership {
  let attachment: Attachment | undefined;
  /** The watchdog that ended last: what it said before may come in after. */
  let gone: string | undefined;

  const isOthers = (watchdog: string): boolean =>
    attachment !== undefined && attachment.watchdog !== watchdog;

  function end(): void {
    attachment?.instruments.stop();
    attachment = undefined;
  }

  const handlers: { readonly [T in SidecarMessage['type']]: (message: MessageOf<T>) => void } = {
    'slot-free'() {
      if (attachment === undefined) effects.ask();
    },
    'sidecar-up'({ watchdog }) {
      // A new sidecar, of our watchdog or of the first that there is.
      if (!isOthers(watchdog)) effects.ask();
    },
    settings(settings) {
      if (settings.watchdog === gone || isOthers(settings.watchdog)) return;
      attachment ??= effects.attach(settings);
      effects.join(attachment);
    },
    joined: effects.joined,
    refused(refusal) {
      if (isOthers(refusal.watchdog)) return;
      end();
      effects.refused(refusal);
    },
    'watchdog-closed'({ watchdog }) {
      gone = watchdog;
      if (attachment?.watchdog === gone) end();
    },
  };

  return {
    hear(message) {
      if ('thread' in message && message.thread !== thread) return;
      // Anybody may say anything on the channel.
      if (Object.hasOwn(handlers, message.type)) handlers[message.type](message as never);
    },
    attachment: () => attachment,
    end,
  };
}
