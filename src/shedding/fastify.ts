import type { IncomingMessage } from 'node:http';
import { BODY, createShedding } from './options.js';
import type { SheddingOptions } from './types.js';

export type { PoolPressure, Pressure } from '../types.js';
export type { PressureSource, SheddingOptions } from './types.js';

/** What is needed of a Fastify request. */
export interface RequestLike {
  /** Path and query. */
  readonly url: string;
  /** `GET`, ... */
  readonly method: string;
  /** By their names in lower case. */
  readonly headers: IncomingMessage['headers'];
}

/** What is needed of a Fastify reply. */
export interface ReplyLike {
  /** Sets the status. */
  code(status: number): ReplyLike;
  /** Sets a header. */
  header(name: string, value: string): ReplyLike;
  /** Ends it. */
  send(body: string): unknown;
}

/** What is needed of a Fastify instance. */
export interface FastifyLike {
  /** Adds what runs first at each request. */
  addHook(
    name: 'onRequest',
    hook: (request: RequestLike, reply: ReplyLike, done: () => void) => void,
  ): unknown;
}

/** Options that Fastify takes for itself. */
const FASTIFYS: readonly string[] = ['prefix', 'logLevel', 'logSerializers'];

async function plugin(app: FastifyLike, options: SheddingOptions<RequestLike>): Promise<void> {
  const { shouldShed, retryAfter } = createShedding<RequestLike>(options, FASTIFYS);
  app.addHook('onRequest', (request, reply, done) => {
    if (shouldShed(request)) reply.code(503).header('Retry-After', retryAfter).send(BODY);
    else done();
  });
}

/**
 * A plugin for Fastify 4 and 5. While more requests come than the app can serve in time it lets in the share
 * that it can; the others get a 503 with `Retry-After` at once, before their bodies are read. It holds for
 * the instance that registers it, and for those below.
 *
 * A wrong option is a WatchdogError (`ERR_WATCHDOG_INVALID_OPTION`) of `register` that names it.
 * @example
 * ```ts
 * import Fastify from 'fastify';
 * import { shedLoad } from 'event-loop-watchdog/fastify';
 *
 * const app = Fastify();
 * await app.register(shedLoad, { except: ({ url }) => url === '/healthz' });
 * ```
 */
export const shedLoad: typeof plugin = Object.assign(plugin, {
  // What fastify-plugin sets: it is no scope of its own, but the one that it is registered in.
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'event-loop-watchdog/fastify',
  [Symbol.for('plugin-meta')]: { name: 'event-loop-watchdog/fastify', fastify: '>=4' },
});
