import { CONTEXT_KEY } from '../../src/shared/protocol.js';
import { CONTEXT_MAX_BYTES, type RequestContext } from '../../src/shared/stall.js';
import { type Conversation, evaluate, REFUSED, TERMINATED } from './conversation.js';

const NAME_MAX_CHARS = 256;

/**
 * Evaluated by the thread that is looked at, in the midst of what it does, whose asynchronous context it
 * shares: which request is this? All in one expression, for it goes to threads, too, that know nothing of us.
 * OpenTelemetry's two keys are those of its API, in the register of symbols since its version 1.0. There is no
 * limit to its time: the app asks for the active span itself, at each request.
 */
const ASK: string = `(() => {
  const own = globalThis[Symbol.for('${CONTEXT_KEY}')];
  if (own === false) return;
  const told = [own?.turn(), own?.read?.()];
  try {
    const api = globalThis[Symbol.for('opentelemetry.js.api.1')];
    const span = api?.context?.active()?.getValue(Symbol.for('OpenTelemetry Context Key SPAN'));
    const { traceId, spanId } = span?.spanContext() ?? {};
    for (const text of [traceId, spanId, span?.name])
      told.push(typeof text === 'string' ? text.slice(0, ${NAME_MAX_CHARS}) : null);
  } catch {}
  return told;
})()
//# sourceURL=${CONTEXT_KEY}`;

/** What a thread says of the request that it is at. */
export interface ToldContext {
  /** The turn that it fell into, where the thread counts them. */
  readonly turn: number | undefined;
  readonly request: RequestContext | undefined;
}

/** @returns `undefined` if there is nothing to say */
export async function askContext(
  conversation: Conversation,
): Promise<ToldContext | typeof TERMINATED | undefined> {
  const said = await evaluate(conversation, { expression: ASK, returnByValue: true });
  if (said === TERMINATED) return TERMINATED;
  return said === REFUSED ? undefined : toldOf(said.result.value);
}

/** @param value what the expression came to: the app may have had a hand in it */
export function toldOf(value: unknown): ToldContext | undefined {
  if (!Array.isArray(value)) return undefined;
  const [turn, json, traceId, spanId, name] = value as unknown[];
  const request: RequestContext = {
    ...(isId(traceId, 32) && isId(spanId, 16) && { traceId, spanId }),
    ...(typeof name === 'string' && name !== '' && { name }),
    ...contextOf(json),
  };
  return {
    turn: typeof turn === 'number' ? turn : undefined,
    request: Object.keys(request).length > 0 ? request : undefined,
  };
}

/** OpenTelemetry's id of nothing is all zeros. */
function isId(value: unknown, digits: number): value is string {
  return typeof value === 'string' && value.length === digits && /^(?=.*[1-9a-f])[0-9a-f]+$/.test(value);
}

/** Nothing is what `undefined`, `null` and an object without fields say. */
function contextOf(json: unknown): { readonly context?: unknown } {
  if (typeof json !== 'string' || json === 'null' || json === '{}') return {};
  const bytes = Buffer.from(json);
  try {
    return { context: bytes.length > CONTEXT_MAX_BYTES ? beginOf(bytes) : JSON.parse(json) };
  } catch {
    return {}; // Not of our making.
  }
}

const ELLIPSIS = '…';

/** Cut between two characters. */
function beginOf(bytes: Buffer): string {
  const decoder = new TextDecoder();
  const begin = bytes.subarray(0, CONTEXT_MAX_BYTES - Buffer.byteLength(ELLIPSIS));
  return decoder.decode(begin, { stream: true }) + ELLIPSIS;
}
