import { readFileSync } from 'node:fs';
import { isToken, TOKEN_RULE } from '../shared/rules.js';
import { wrongUsage } from './error.js';

export interface Token {
  readonly value: string | undefined;
  /** Why there is none though the environment has one: told to who turns out to need it. */
  readonly trouble: string | undefined;
}

/**
 * The token: of the file that was named, else as the variables of the app say.
 * @throws CommandError if the file that was named has none
 */
export function readToken(
  file: string | undefined,
  { WATCHDOG_TOKEN_FILE, WATCHDOG_TOKEN }: Readonly<Record<string, string | undefined>>,
): Token {
  if (file !== undefined) {
    const { value, trouble } = ofFile(file);
    if (trouble !== undefined) throw wrongUsage(`--token-file: ${trouble}`);
    return { value, trouble };
  }
  // On the app's own host no token is needed, and the file may be another user's.
  if (WATCHDOG_TOKEN_FILE) return ofFile(WATCHDOG_TOKEN_FILE);
  if (!WATCHDOG_TOKEN) return { value: undefined, trouble: undefined };
  return checked(WATCHDOG_TOKEN, 'WATCHDOG_TOKEN');
}

function ofFile(file: string): Token {
  try {
    return checked(readFileSync(file, 'utf8').trim(), `what ${file} holds`);
  } catch (error) {
    return { value: undefined, trouble: `${file} cannot be read: ${(error as Error).message}.` };
  }
}

function checked(value: string, what: string): Token {
  if (isToken(value)) return { value, trouble: undefined };
  return { value: undefined, trouble: `${what} must be ${TOKEN_RULE}.` };
}
