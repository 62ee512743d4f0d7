import { meaningOf } from './checks.js';

/** What `name=value,name=value` says, as strings; `undefined` if it is not that, or says something twice. */
export function pairsOf(text: string): Record<string, string> | undefined {
  const pairs = new Map<string, string>();
  for (const pair of text.split(',')) {
    const [, name, value] = /^\s*([^=\s]+)\s*=(.*)$/s.exec(pair) ?? [];
    if (name === undefined || value === undefined || pairs.has(name)) return undefined;
    pairs.set(name, value.trim());
  }
  return Object.fromEntries(pairs);
}

/** The same, with numbers as such. */
export function fieldsFrom(text: string): Record<string, unknown> | undefined {
  const pairs = pairsOf(text);
  return pairs && Object.fromEntries(Object.entries(pairs).map(([name, value]) => [name, meaningOf(value)]));
}
