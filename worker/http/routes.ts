import type { IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import { CONTENT_TYPE } from '../metrics/render.js';
import type { Journal } from '../stalls/journal.js';
import { send, sendJson, sendProblem } from './respond.js';
import type { Handler, Routes } from './server.js';

/** What the routes need to know; see `main.ts`. */
export interface RouteSources {
  /** The text of a scrape. */
  metrics(scrapeTimeoutMs: number | undefined): Promise<string>;
  health(): Health;
  readonly journal: Journal;
  readonly debug: { readonly stack: Handler; readonly profile: Handler };
  /** Whether a request may see more than metrics. */
  readonly allowed: (request: IncomingMessage) => boolean;
}

export interface Health {
  readonly status: 'starting' | 'ok' | 'stalled';
  /** Seconds, as in the metrics. */
  readonly lagSeconds: number;
  readonly uptimeSeconds: number;
  readonly turns: number;
}

/** Under this many bytes compressing costs more than it saves. */
const GZIP_FROM_BYTES = 1024;

export function createRoutes(sources: RouteSources): Routes {
  const { journal, debug, allowed } = sources;
  /** For strangers a guarded route does not exist. */
  const guarded = { guard: allowed };
  return {
    '/metrics': {
      async GET(request, response) {
        const text = await sources.metrics(scrapeTimeoutOf(request.headers));
        const gzip = text.length >= GZIP_FROM_BYTES && acceptsGzip(request.headers['accept-encoding']);
        // Sync: the async form waits in libuv's pool, which the app may have saturated.
        const body = gzip ? gzipSync(text) : text;
        send(response, 200, CONTENT_TYPE, body, {
          Vary: 'Accept-Encoding',
          ...(gzip && { 'Content-Encoding': 'gzip' }),
        });
      },
    },
    '/healthz': { GET: (_request, response) => sendJson(response, 200, sources.health()) },
    '/api/stalls': {
      ...guarded,
      GET: (_request, response) =>
        sendJson(response, 200, { stalls: journal.stalls(), offenders: journal.offenders() }),
    },
    '/api/stalls/:id': {
      ...guarded,
      GET(_request, response, { id }) {
        const stall = journal.find(id);
        if (stall) sendJson(response, 200, stall);
        else sendProblem(response, 404, 'There is no such stall among the latest hundred.');
      },
    },
    '/debug/stack': { ...guarded, POST: debug.stack },
    '/debug/cpu-profile': { ...guarded, POST: debug.profile },
  };
}

/** Prometheus tells its own time-out, in seconds. */
function scrapeTimeoutOf(headers: NodeJS.Dict<string | string[]>): number | undefined {
  const seconds = Number(headers['x-prometheus-scrape-timeout-seconds']);
  return seconds > 0 ? seconds * 1000 : undefined;
}

function acceptsGzip(header: string | undefined): boolean {
  return (header ?? '')
    .split(',')
    .some((one) => /^\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/i.test(one));
}
