/**
 * Control characters (newlines, escapes, C1 too), line and paragraph separators, what turns the direction of
 * reading, and halves of surrogate pairs: by these a text ends its line, drives the terminal, shows as
 * another, or is not UTF-8.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

export function isPrintable(text: string): boolean {
  return text.search(UNPRINTABLE) < 0;
}

/**
 * A text of others as it may leave: on one line, and seen as what it is. The escapes are JSON's own: JSON
 * means the same after it.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** `JSON.stringify` leaves most of them as they are. */
export function printableJson(value: unknown): string {
  return printable(JSON.stringify(value));
}
