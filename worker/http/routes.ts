import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import type { Check } from '../health.js';
import { CONTENT_TYPES, type Format } from '../metrics/format.js';
import { formatOf } from './accept.js';
import { hostOf } from './access.js';
import type { DebugHandlers } from './debug.js';
import type { Piece } from './pieces.js';
import { send, sendJson, sendProblem } from './respond.js';
import type { Routes, Target } from './router.js';
import { createStatusHandlers, type StatusSources } from './status.js';
import { sendPieces } from './zipped.js';

/** What the routes need to know; see `main.ts`. */
export interface RouteSources extends StatusSources {
  metrics(format: Format, scrapeTimeoutMs: number | undefined): Promise<readonly Piece[]>;
  health(): Health;
  liveness(): readonly Check[];
  readiness(): readonly Check[];
  /** All processes of the app on this host, in Prometheus' http_sd form, reached by this name or address. */
  processes(host: string): unknown;
  readonly debug: DebugHandlers;
  /** Whether `/metrics` asks for the token. */
  readonly guardMetrics: boolean;
}

export interface Health {
  readonly status: 'starting' | 'ok' | 'stalled';
  /** Seconds, as in the metrics. */
  readonly lagSeconds: number;
  readonly uptimeSeconds: number;
  readonly turns: number;
}

const NO_STALL = 'There is no such stall among the latest hundred of this sidecar.';
const NO_SAMPLES = 'There is no sample of that stall: its stacks say why, or it was too short.';

export function createRoutes(sources: RouteSources): Routes {
  const { journal, debug, guard } = sources;
  /** For strangers a guarded route does not exist. */
  const guarded = { guard: guard.allows };
  const status = createStatusHandlers(sources);
  return {
    // Not guarded: strangers get an index.
    '/': { large: true, GET: status.root },
    '/metrics': {
      large: true,
      async GET(request, response) {
        if (sources.guardMetrics && !guard.hasToken(request)) {
          sendProblem(response, 401, 'Metrics are for who has the token.', { 'WWW-Authenticate': 'Bearer' });
          return;
        }
        const format = formatOf(request.headers.accept);
        const pieces = await sources.metrics(format, scrapeTimeoutOf(request.headers));
        await sendPieces(request, response, CONTENT_TYPES[format], pieces, ['Accept']);
      },
    },
    '/livez': { GET: (_request, response, target) => probe(response, target, sources.liveness()) },
    '/readyz': { GET: (_request, response, target) => probe(response, target, sources.readiness()) },
    '/healthz': {
      GET(_request, response, { query }) {
        const checks = { liveness: sources.liveness(), readiness: sources.readiness() };
        sendJson(response, 200, { ...sources.health(), ...(query.has('verbose') && checks) });
      },
    },
    '/api/state': { ...guarded, GET: status.state },
    '/api/history': { ...guarded, large: true, GET: status.history },
    '/api/stalls': {
      ...guarded,
      large: true,
      GET: (_request, response) =>
        sendJson(response, 200, { stalls: journal.stalls(), offenders: journal.offenders() }),
    },
    '/api/stalls/:id': {
      ...guarded,
      GET(_request, response, { id }) {
        const stall = journal.find(id);
        if (stall) sendJson(response, 200, stall);
        else sendProblem(response, 404, NO_STALL);
      },
    },
    '/api/stalls/:id/profile': {
      ...guarded,
      large: true,
      GET(_request, response, { id }) {
        const profile = journal.profileOf(id);
        if (profile) {
          const disposition = `attachment; filename="stall-${id}.cpuprofile"`;
          send(response, 200, 'application/json', profile, { 'Content-Disposition': disposition });
        } else sendProblem(response, 404, journal.find(id) ? NO_SAMPLES : NO_STALL);
      },
    },
    '/sd': {
      ...guarded,
      GET(request, response) {
        const found = sources.processes(askedHostOf(request));
        // An empty list would tell Prometheus to forget them all.
        if (found) sendJson(response, 200, found);
        else sendProblem(response, 503, 'This process is not on the list yet.');
      },
    },
    '/debug/stack': { ...guarded, POST: debug.stack },
    '/debug/cpu-profile': { ...guarded, large: true, POST: debug.profile },
    '/debug/threads': { ...guarded, large: true, POST: debug.threads },
  };
}

/** The name or address by which the asker reaches this host. */
function askedHostOf({ headers, socket }: IncomingMessage): string {
  const host = hostOf(headers.host);
  return isIP(host) > 0 || /^[a-z0-9._-]+$/.test(host) ? host : (socket.localAddress ?? 'localhost');
}

/** A probe looks at the status; a person at what failed, or with `?verbose` at all that was checked. */
function probe(response: ServerResponse, { query }: Target, checks: readonly Check[]): void {
  const failed = checks.filter(({ ok }) => !ok);
  const verbose = query.has('verbose') ? { checks } : {};
  if (failed.length === 0) sendJson(response, 200, { status: 'ok', ...verbose });
  else {
    const detail = failed.map((check) => `${check.name}: ${check.detail}`).join('; ');
    sendProblem(response, 503, detail, {}, verbose);
  }
}

/** Prometheus tells its own time-out, in seconds. */
function scrapeTimeoutOf(headers: NodeJS.Dict<string | string[]>): number | undefined {
  const seconds = Number(headers['x-prometheus-scrape-timeout-seconds']);
  return seconds > 0 ? seconds * 1000 : undefined;
}
