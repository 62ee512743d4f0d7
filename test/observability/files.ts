import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { parse, parseDocument } from 'yaml';

export const kit: URL = new URL('../../observability/', import.meta.url);
export const read = (file: string): string => readFileSync(new URL(file, kit), 'utf8');

/**
 * The one document of a file. YAML 1.1 (Kubernetes, Prometheus) and 1.2 must read the same in it: not so with
 * `0440`, `on`.
 */
export function readYaml<T>(file: string): T {
  const document = parseDocument(read(file), { strict: true, uniqueKeys: true });
  expect([...document.errors, ...document.warnings], file).toEqual([]);
  const value: T = document.toJS();
  expect(parse(read(file), { version: '1.1' }), `${file} as YAML 1.1`).toEqual(value);
  return value;
}
