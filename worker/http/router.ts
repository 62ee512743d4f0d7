import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendProblem } from './respond.js';

/** What a request's target says: the query, and the part of the path for which its route has `:id`. */
export interface Target {
  readonly query: URLSearchParams;
  readonly id: string;
}

export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
) => void | Promise<void>;

export interface Route {
  /** Whoever answers GET answers HEAD. */
  readonly GET?: Handler;
  readonly POST?: Handler;
  /** Whether this request may know of the route. */
  readonly guard?: (request: IncomingMessage) => boolean;
  /** Its answers may be large: while too much waits to be read it is refused, and the small ones are not. */
  readonly large?: boolean;
}

/** Routes by path; `:id`, as the last part or the one before it, stands for any. */
export type Routes = Readonly<Record<string, Route>>;

const URL_MAX_CHARS = 2 * 1024;
const BODY_MAX_BYTES = 1024;
/** Unread bytes of all clients together, from which on nobody gets a large answer. */
const UNSENT_MAX_BYTES = 16 * 2 ** 20;
const RETRY_AFTER_S = 5;

/**
 * Finds the route of a request and has it answered.
 * @param unsentBytes what all clients together have not read yet
 */
export function createRouter(
  routes: Routes,
  unsentBytes: () => number,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    if (refuseBody(request, response)) return;
    const found = find(routes, request, unsentBytes);
    if ('refused' in found) {
      sendProblem(response, ...found.refused);
      return;
    }
    Promise.resolve()
      .then(() => found.handler(request, response, found.target))
      .catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else sendProblem(response, 500, error instanceof Error ? error.message : String(error));
      });
  };
}

/** Status, what is the matter, and headers. */
interface Refusal {
  readonly refused: readonly [status: number, detail: string, headers?: Record<string, string>];
}

function find(
  routes: Routes,
  request: IncomingMessage,
  unsentBytes: () => number,
): { readonly handler: Handler; readonly target: Target } | Refusal {
  const url = urlOf(request.url ?? '/');
  if ('refused' in url) return url;
  const { pathname, searchParams: query } = url;
  const { route, id } = routeOf(routes, pathname);
  if (!route || route.guard?.(request) === false) {
    return { refused: [404, `There is nothing at ${pathname}.`] };
  }
  const handler = handlerOf(route, request.method);
  if (!handler) {
    const allow = [...(route.GET ? ['GET', 'HEAD'] : []), ...(route.POST ? ['POST'] : [])].join(', ');
    return { refused: [405, `${pathname} answers ${allow} only.`, { Allow: allow }] };
  }
  if (route.large && unsentBytes() > UNSENT_MAX_BYTES) {
    const detail = 'Too many bytes wait for other clients to read them.';
    return { refused: [503, detail, { 'Retry-After': String(RETRY_AFTER_S) }] };
  }
  return { handler, target: { query, id } };
}

function urlOf(target: string): URL | Refusal {
  if (target.length > URL_MAX_CHARS) {
    return { refused: [414, `A request target has at most ${URL_MAX_CHARS} characters.`] };
  }
  // As a path, or with scheme and host before it, as for a proxy.
  const url = target.startsWith('/') ? `http://sidecar${target}` : target;
  if (/^https?:/i.test(url) && URL.canParse(url)) return new URL(url);
  return { refused: [400, 'The request target is neither a path nor a URL.'] };
}

function routeOf(routes: Routes, path: string): { readonly route: Route | undefined; readonly id: string } {
  if (Object.hasOwn(routes, path)) return { route: routes[path], id: '' };
  const parts = path.split('/');
  for (const at of [parts.length - 1, parts.length - 2]) {
    const pattern = parts.map((part, index) => (index === at ? ':id' : part)).join('/');
    if (Object.hasOwn(routes, pattern)) return { route: routes[pattern], id: parts[at] ?? '' };
  }
  return { route: undefined, id: '' };
}

function handlerOf(route: Route, asked: string | undefined): Handler | undefined {
  const method = asked === 'HEAD' ? 'GET' : asked;
  return method === 'GET' || method === 'POST' ? route[method] : undefined;
}

/** No answer depends on a body: a small one is thrown away, at a large one the connection ends. */
function refuseBody(request: IncomingMessage, response: ServerResponse): boolean {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > BODY_MAX_BYTES) request.destroy();
  });
  if (!(Number(request.headers['content-length'] ?? 0) > BODY_MAX_BYTES)) return false;
  response.on('finish', () => request.destroy());
  sendProblem(response, 413, `A body has at most ${BODY_MAX_BYTES} bytes.`, { Connection: 'close' });
  return true;
}
