import type { SidecarOptions } from '../../src/shared/protocol.js';
import { isToken, TOKEN_RULE } from '../../src/shared/rules.js';
import { followFiles } from '../follow-files.js';

/** The token that is valid now: the one given, or what the file holds. Without one nobody has it. */
export function openToken(
  { token, tokenFile }: SidecarOptions,
  now: () => number,
  warn: (message: string) => void,
): () => string | undefined {
  if (tokenFile === undefined) return () => token;
  const tokenOf = ([text = '']: readonly string[]): string => {
    const secret = text.trim();
    if (!isToken(secret)) throw new Error(`the token in ${tokenFile} must be ${TOKEN_RULE}`);
    return secret;
  };
  const file = followFiles([tokenFile], tokenOf, now, ({ message }, kept) => {
    const meanwhile = kept === undefined ? 'nobody has the token' : 'the token before it goes on';
    warn(`The option "tokenFile" cannot be used: ${message}. Until it can, ${meanwhile}.`);
  });
  file.current(); // What is wrong at the start is told then, not to the first who asks.
  return file.current;
}
