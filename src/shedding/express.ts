import type { IncomingMessage, ServerResponse } from 'node:http';
import { BODY, createShedding } from './options.js';
import type { SheddingOptions } from './types.js';

export type { PoolPressure, Pressure } from '../types.js';
export type { PressureSource, SheddingOptions } from './types.js';

/**
 * A middleware for Express 4 and 5, and whatever else takes such. While more requests come than the app can
 * serve in time it lets in the share that it can; the others get a 503 with `Retry-After` at once. It goes
 * before all that costs something, and after what is never turned away.
 *
 * @throws WatchdogError `ERR_WATCHDOG_INVALID_OPTION` that names the option, the rule, the value and its type
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { shedLoad } from 'event-loop-watchdog/express';
 *
 * const shed = shedLoad({ except: ({ url }) => url === '/healthz' }); // app.use(shed)
 * createServer((request, response) => shed(request, response, () => response.end('hello\n')));
 * ```
 */
export function shedLoad<Request extends IncomingMessage = IncomingMessage>(
  options: SheddingOptions<Request> = {},
): (request: Request, response: ServerResponse, next: (error?: unknown) => void) => void {
  const { shouldShed, retryAfter } = createShedding<Request>(options);
  return (request, response, next) => {
    if (!shouldShed(request)) return next();
    response.writeHead(503, { 'Retry-After': retryAfter, 'Content-Type': 'text/plain; charset=utf-8' });
    response.end(BODY);
  };
}
