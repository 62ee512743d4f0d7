import type { RequestContext, StackSample, Stall } from '../../src/shared/stall.js';

type Seen = NonNullable<Stall['requests']>[number];

const REQUESTS_MAX = 10;
const WORDS_MAX_CHARS = 120;

/**
 * The requests of these samples, most samples first; of as many, the one that was seen first. One span is one
 * request, whatever the app says of it meanwhile.
 */
export function requestsOf(samples: readonly Pick<StackSample, 'request'>[]): Seen[] {
  const requests = new Map<string, Seen>();
  for (const { request } of samples) {
    if (!request) continue;
    const key = keyOf(request);
    const seen = requests.get(key);
    // A busy machine may have kept a look from all that there was to know.
    requests.set(key, { ...request, ...seen, samples: (seen?.samples ?? 0) + 1 });
  }
  return [...requests.values()].sort((a, b) => b.samples - a.samples).slice(0, REQUESTS_MAX);
}

function keyOf({ traceId, spanId, ...rest }: RequestContext): string {
  return traceId === undefined ? JSON.stringify(rest) : `${traceId} ${spanId}`;
}

/** Which request it was, for people: the one of most samples, and how many others there were. */
export function requestInWords(requests: readonly Seen[] = []): string | undefined {
  const [most, ...others] = requests;
  if (!most) return undefined;
  const { name, traceId, context } = most;
  const said = name ?? (context === undefined ? undefined : shortened(context));
  const trace = traceId === undefined ? undefined : `trace ${traceId}`;
  const which = [said, trace].filter((one) => one !== undefined).join(', ');
  return `request ${which}${others.length > 0 ? ` and ${others.length} more` : ''}`;
}

function shortened(context: unknown): string {
  const text = typeof context === 'string' ? context : JSON.stringify(context);
  return text.length > WORDS_MAX_CHARS ? `${text.slice(0, WORDS_MAX_CHARS - 1)}…` : text;
}
