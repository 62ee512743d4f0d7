import { printable } from '../../src/shared/printable.js';
import type { Frame } from '../../src/shared/stall.js';

const FUNCTION_MAX_CHARS = 48;
const FILE_MAX_CHARS = 40;

/** Names of files and folders that tell nothing by themselves, with whatever extensions. */
const COMMON =
  /^(?:index|main|mod|route|page|layout|handler|src|lib|dist|build|out|cjs|esm)(?:\.[\w-]+){0,3}$/i;

/**
 * What a culprit may be called: `renderInvoice invoice.ts:41`. The first is of the frame alone, so that all
 * processes of a service call it the same; the next ones, each with a folder more, are for when that stands
 * for another file already. At most a hundred characters, all of them printable.
 */
export function* labelsOf({ function: name, file, line }: Frame): Generator<string, undefined> {
  const folders = partsOf(file);
  let place = folders.pop() ?? '';
  while (COMMON.test(place.split('/')[0] as string) && folders.length > 0)
    place = `${folders.pop()}/${place}`;
  const shown = cut(printable(name), FUNCTION_MAX_CHARS);
  for (;;) {
    yield `${shown} ${cutStart(printable(place), FILE_MAX_CHARS)}:${line}`;
    const folder = folders.pop();
    if (folder === undefined) return;
    place = `${folder}/${place}`;
  }
}

/** A `data:` URL is a whole program, and what stands behind a `?` may differ from load to load. */
function partsOf(file: string): string[] {
  const isUrl = /^[a-z][a-z0-9+.-]+:/i.test(file);
  if (!isUrl) return file.split(/[\\/]/).filter((part) => part !== '');
  if (file.startsWith('data:')) return ['data:'];
  return file
    .replace(/[?#].*$/s, '')
    .split('/')
    .filter((part) => part !== '');
}

/** No half of a surrogate pair is left at the end. */
function cut(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 1).replace(/[\ud800-\udbff]$/, '')}…` : text;
}

function cutStart(text: string, max: number): string {
  return text.length > max ? `…${text.slice(1 - max).replace(/^[\udc00-\udfff]/, '')}` : text;
}
