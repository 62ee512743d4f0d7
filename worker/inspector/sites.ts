import type { Frame } from '../../src/shared/stall.js';
import { toFrames } from './frames.js';
import type { RawFrame } from './look.js';
import type { Site } from './messages.js';
import { NO_FILES, type SourceFiles } from './source-text.js';

/** The locations that were seen on the stack in a stall, each once. */
export interface Sites {
  /** @returns its index */
  add(frame: RawFrame): number;
  /** Those that were added since this was last asked, as V8 has them. */
  fresh(): ReadonlyMap<number, Site>;
  /** Whether there are any that are not mapped. */
  unmapped(): boolean;
  /** Maps those that are not to their sources, in one go: to search a map takes long, for one as for many. */
  map(options: { readonly files: SourceFiles; readonly sourceLines: boolean }): ReadonlyMap<number, Site>;
}

export function createSites(): Sites {
  const indices = new Map<string, number>();
  const raw: RawFrame[] = [];
  const untold = new Set<number>();
  const unmapped = new Set<number>();

  /** Takes them out of the set. */
  function take(some: Set<number>, options: Parameters<typeof toFrames>[1]): ReadonlyMap<number, Site> {
    const taken = [...some];
    some.clear();
    const seen = taken.map((index) => raw[index] as RawFrame);
    const frames = toFrames(seen, options);
    return new Map(
      taken.map((index, n) => [index, { frame: frames[n] as Frame, fn: fnOf(seen[n] as RawFrame) }]),
    );
  }

  return {
    add(frame) {
      const key = `${frame.scriptId}:${frame.lineNumber}:${frame.columnNumber} ${frame.functionName}`;
      const index = indices.get(key) ?? indices.size;
      const known = raw[index];
      if (!known) {
        indices.set(key, index);
        untold.add(index);
      }
      // What V8 says of its script may come later.
      if (!known || (frame.inMemory && known.text !== frame.text)) {
        raw[index] = frame;
        unmapped.add(index);
      }
      return index;
    },
    fresh: () => take(untold, { files: NO_FILES, sourceLines: false }),
    unmapped: () => unmapped.size > 0,
    map: (options) => take(unmapped, options),
  };
}

/** Two functions may have one name, and one function several lines. */
function fnOf({ scriptId, functionName, from }: RawFrame): string {
  return from ? `${scriptId}:${from.line}:${from.column}` : `${scriptId} ${functionName}`;
}
