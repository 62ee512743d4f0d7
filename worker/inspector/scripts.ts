import { createHash } from 'node:crypto';
import type { Debugger } from 'node:inspector';
import { isAbsolute } from 'node:path';
import { type Conversation, delay } from './conversation.js';
import type { RawFrame } from './look.js';
import { pathOf } from './paths.js';
import { openSourceText, type SourceFiles, type SourceText } from './source-text.js';

/** How long V8 is waited for: main may get little of a CPU. */
const V8_MS = 2000;
/** Longer texts are not fetched: main would be at it for too long. */
const TEXT_MAX_CHARS = 4e6;
/** Texts are fetched of so many scripts, the innermost. */
const TEXTS_MAX = 4;
/** What Node.js cannot run as it is: something has compiled it. */
const COMPILED = /\.(?:[cm]?tsx?|jsx)$/i;

/**
 * The frames, told apart by whether what runs is what their file holds. Of what a loader has compiled, or
 * `vm` has run under the name of a file, only V8 knows the text and where its map is: it is asked then. That
 * is dear: it reports every script that is loaded, 12 to 20 microseconds each.
 */
export async function withTexts(
  session: Conversation,
  frames: readonly RawFrame[],
  { files, scripts = new Map(), spareV8 = false }: TextOptions,
): Promise<{ readonly frames: readonly RawFrame[]; readonly costMs: number }> {
  for (const frame of frames) {
    if (scripts.has(frame.scriptId)) continue;
    scripts.set(
      frame.scriptId,
      !isAbsolute(pathOf(frame.url)) || isOfFile(frame, files) ? 'file' : 'unasked',
    );
  }
  const unasked = frames.map(({ scriptId }) => scriptId).filter((id) => scripts.get(id) === 'unasked');
  let costMs = 0;
  if (!spareV8 && unasked.length > 0) {
    const fromMs = performance.now();
    for (const [id, script] of await askV8(session, new Set(unasked))) scripts.set(id, script);
    costMs = performance.now() - fromMs;
  }
  return {
    frames: frames.map((frame) => {
      const script = scripts.get(frame.scriptId);
      if (script === 'file') return frame;
      return { ...frame, inMemory: true, ...(script !== 'unasked' && script) };
    }),
    costMs,
  };
}

interface TextOptions {
  readonly files: SourceFiles;
  readonly scripts?: KnownScripts;
  readonly spareV8?: boolean;
}

/** By script: that it is what its file holds, that V8 would have to be asked for it, or what V8 said. */
export type KnownScripts = Map<string, 'file' | 'unasked' | InMemory>;

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** Whether the script's text is what its file holds; taken to be so where that cannot be told. */
function isOfFile({ url, hash }: RawFrame, files: SourceFiles): boolean {
  const bytes = files.read(pathOf(url))?.bytes;
  if (!bytes || hash === undefined) return !COMPILED.test(url);
  const marked = bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
  return [bytes, ...(marked ? [bytes.subarray(BYTE_ORDER_MARK.length)] : [])].some(
    (text) => createHash('sha256').update(text).digest('hex') === hash,
  );
}

export interface InMemory {
  readonly sourceMapUrl?: string | undefined;
  readonly text?: SourceText | undefined;
}

/** @returns an entry for each script; none if V8 does not answer in time: it may be asked again */
async function askV8(
  session: Conversation,
  scriptIds: ReadonlySet<string>,
): Promise<ReadonlyMap<string, InMemory>> {
  const found = new Map<string, InMemory>();
  const lengths = new Map<string, number>();
  const note = ({ params }: { params: Debugger.ScriptParsedEventDataType }): void => {
    if (!scriptIds.has(params.scriptId)) return;
    found.set(params.scriptId, { sourceMapUrl: params.sourceMapURL || undefined });
    lengths.set(params.scriptId, params.length ?? Number.POSITIVE_INFINITY);
  };
  session.on('Debugger.scriptParsed', note);
  const fetchText = (scriptId: string): Promise<void> =>
    new Promise((resolve) => {
      session.post('Debugger.getScriptSource', { scriptId }, (_, answer) => {
        const text = answer?.scriptSource && openSourceText(Buffer.from(answer.scriptSource));
        if (text) found.set(scriptId, { ...found.get(scriptId), text });
        resolve();
      });
    });
  const asked = new Promise<void>((resolve) => {
    session.post('Debugger.enable', () => resolve());
  });
  // A `debugger` statement must not stop the app.
  session.post('Debugger.setSkipAllPauses', { skip: true });
  const done = asked.then(() =>
    Promise.all(
      [...scriptIds]
        .slice(0, TEXTS_MAX)
        .filter((id) => (lengths.get(id) ?? Number.POSITIVE_INFINITY) <= TEXT_MAX_CHARS)
        .map(fetchText),
    ),
  );
  const told = await Promise.race([done, delay(V8_MS)]);
  session.off('Debugger.scriptParsed', note);
  session.post('Debugger.disable');
  return new Map(told ? [...scriptIds].map((id) => [id, found.get(id) ?? {}]) : []);
}

/**
 * What may stand between the location that V8 names as a function's and that at which it begins to run:
 * `async function name` and the like; all that it can run comes after its parameters.
 */
const BEFORE_BEGIN = /^[^({=]*$/;
/** The longest such text but for the name, `async function*  `. */
const BEFORE_NAME_MAX = 17;

/** Whether a frame may be at the begin of its function; without a look at the text. */
export function mayBegin({ from, lineNumber, columnNumber, functionName }: RawFrame): boolean {
  if (!from || from.line > lineNumber) return false;
  const chars = columnNumber - from.column;
  return (
    from.line < lineNumber || chars === 0 || (chars > 0 && chars <= BEFORE_NAME_MAX + functionName.length)
  );
}

/** Whether a frame is at the begin of its function: it has run nothing. */
export function beginsThere(frame: RawFrame, files: SourceFiles): boolean {
  const { from, lineNumber: line, columnNumber: column } = frame;
  if (!from || !mayBegin(frame)) return false;
  if (from.line === line && from.column === column) return true;
  const text = frame.inMemory ? frame.text : files.read(pathOf(frame.url));
  const between = text?.between(from, { line, column });
  return between === undefined
    ? column - from.column === `function ${frame.functionName}`.length
    : BEFORE_BEGIN.test(between);
}
