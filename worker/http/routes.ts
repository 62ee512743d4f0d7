import { gzipSync } from 'node:zlib';
import { CONTENT_TYPE } from '../metrics/render.js';
import { send, sendJson } from './respond.js';
import type { Routes } from './server.js';

/** What the routes need to know; see `main.ts`. */
export interface RouteSources {
  /** The text of a scrape. */
  metrics(scrapeTimeoutMs: number | undefined): Promise<string>;
  health(): Health;
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
    '/healthz': {
      GET: (_request, response) => sendJson(response, 200, sources.health()),
    },
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
