import {
  createServer as createHttpServer,
  type RequestListener,
  type Server,
  type ServerOptions,
  STATUS_CODES,
} from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import type { Address } from '../../src/shared/protocol.js';
import { createConnections, strikeSurplus } from './connections.js';
import { createRouter, type Routes } from './router.js';
import type { Tls } from './tls.js';

const HEADERS_MAX_BYTES = 8 * 1024;
const REQUEST_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 5_000;

/** What keeps us from listening may go away: whoever holds the port, or the lack of a certificate. */
const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 5_000;

export interface SurvivingServer {
  /** The outcome of the first try to listen. */
  readonly ready: Promise<Address>;
  /** Settles once a try succeeds, and never if none does. */
  readonly listening: Promise<Address>;
  close(): Promise<void>;
}

export interface ServerSettings {
  readonly port: number;
  /** `undefined`: all interfaces. */
  readonly host: string | undefined;
  /** `undefined`: plain HTTP. */
  readonly tls: Tls | undefined;
  /** Hears what keeps us from listening, if that is no longer what `ready` rejected with. */
  readonly warn: (message: string) => void;
}

/** Serves `routes` and goes on trying for as long as the port cannot be had, or served as the options say. */
export function startServer(routes: Routes, { port, host, tls, warn }: ServerSettings): SurvivingServer {
  const server = createServer(
    tls,
    {
      maxHeaderSize: HEADERS_MAX_BYTES,
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: IDLE_TIMEOUT_MS,
      // A timer of its own, which wakes this thread: seldom enough not to be felt on an idle process.
      connectionsCheckingInterval: REQUEST_TIMEOUT_MS,
    },
    (request, response) => {
      connections.enqueue(request, response, () => route(request, response));
    },
  );
  const connections = createConnections();
  const route = createRouter(routes, connections.unsentBytes);
  server.on('connection', connections.take);
  server.on(tls ? 'secureConnection' : 'connection', strikeSurplus);
  // Who neither sends nor reads is let go of; a profile that is being taken says so, see `debug.ts`.
  server.setTimeout(REQUEST_TIMEOUT_MS);
  // A client that is gone, or that talks nonsense, is no fault of ours.
  server.on('clientError', ({ code }: NodeJS.ErrnoException, socket) => {
    if (connections.isLeaving(socket as Socket)) return;
    const status = CLIENT_FAULTS[code ?? ''] ?? 400;
    // Half-open otherwise, and the place of another client taken for as long as this one likes.
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`, () =>
      socket.destroy(),
    );
  });

  let retry: NodeJS.Timeout | undefined;
  let retryMs = RETRY_FIRST_MS;
  let told: string | undefined;
  const listening = new Promise<Address>((resolve) => {
    server.once('listening', () => resolve(addressOf(server, tls ? 'https' : 'http')));
  });
  let reject!: (reason: Error) => void;
  const ready = new Promise<Address>((resolve, refuse) => {
    listening.then(resolve);
    reject = refuse;
  });
  ready.catch(() => {}); // Heard by whoever asks.

  function fail(code: string | undefined, reason: string): void {
    const goesOn = 'Heartbeats go on and it keeps trying.';
    const message = `The watchdog serves no metrics for now: ${reason}. ${goesOn}`;
    if (told === undefined) reject(Object.assign(new Error(message), { code }));
    else if (told !== message) warn(message);
    told = message;
    retry = setTimeout(listen, retryMs);
    retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
  }
  function listen(): void {
    try {
      tls?.context();
    } catch (error) {
      // A port that is open and serves nobody would say that all is well.
      fail('ERR_WATCHDOG_TLS_UNUSABLE', (error as Error).message);
      return;
    }
    server.listen(host === undefined ? { port } : { port, host });
  }
  server.on('error', (error: NodeJS.ErrnoException) => fail(error.code, listenFault(error, port, host)));
  listen();

  return {
    ready,
    listening,
    close: () =>
      new Promise((resolve) => {
        clearTimeout(retry);
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const CLIENT_FAULTS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

function createServer(tls: Tls | undefined, options: ServerOptions, listener: RequestListener): Server {
  if (!tls) return createHttpServer(options, listener);
  // Not imported: without TLS its certificates would be read all the same, by one more thread.
  const server: HttpsServer = process.getBuiltinModule('node:https').createServer(
    {
      ...options,
      handshakeTimeout: REQUEST_TIMEOUT_MS,
      // Once and for all: a new context does not change it.
      requestCert: tls.clientsCertified,
      rejectUnauthorized: true,
    },
    listener,
  );
  let current: SecureContextOptions | undefined;
  // Before the handshake of each connection: a certificate that was renewed is there without a restart.
  server.prependListener('connection', () => {
    const latest = tls.context();
    if (latest !== current) server.setSecureContext(latest);
    current = latest;
  });
  return server as unknown as Server;
}

function addressOf(server: Server, scheme: string): Address {
  const { address, family, port } = server.address() as AddressInfo;
  const reachable = address === '::' || address === '0.0.0.0' ? '127.0.0.1' : address;
  const authority = family === 'IPv6' && reachable === address ? `[${address}]` : reachable;
  return { host: address, port, url: `${scheme}://${authority}:${port}` };
}

function listenFault(error: NodeJS.ErrnoException, port: number, host: string | undefined): string {
  const where = `port ${port}${host === undefined ? '' : ` of ${host}`}`;
  const reasons: Record<string, string> = {
    EADDRINUSE: `${where} is in use by another process or watchdog`,
    EACCES: `this process may not listen on ${where}`,
    EADDRNOTAVAIL: `this machine has no address ${host}`,
  };
  return reasons[error.code ?? ''] ?? `cannot listen on ${where}: ${error.message}`;
}
