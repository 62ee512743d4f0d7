import type { Invocation } from './arguments.js';
import type { Ask } from './client.js';

/** What a command works with. */
export interface Call extends Invocation {
  /** Whom to ask. */
  readonly base: URL;
  readonly ask: Ask;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes to standard output. */
  readonly print: (text: string) => void;
}
