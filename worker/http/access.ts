import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

export interface GuardOptions {
  /** The token that is valid now, if there is one. */
  readonly token: () => string | undefined;
  /** Names, besides `localhost` and IP addresses, under which a browser on this host may call us. */
  readonly allowedHosts: readonly string[];
}

export interface Guard {
  /** Whether the request carries the token. */
  hasToken(request: IncomingMessage): boolean;
  /**
   * Who may see more than metrics: whoever has the token; without one, whoever is on this host and calls us
   * by a name that is ours. A page of the web that has its own name resolved to this host is neither.
   */
  allows(request: IncomingMessage): boolean;
  /**
   * Whether to hand out the status page with nothing in it: where there is a token it can be entered there, and
   * a link to here may stand on a page of another origin.
   */
  mayTry(request: IncomingMessage): boolean;
}

export function createGuard({ token, allowedHosts }: GuardOptions): Guard {
  const names = new Set(['localhost', ...allowedHosts.map((name) => name.toLowerCase())]);
  const hasToken: Guard['hasToken'] = ({ headers }) => isSame(bearerOf(headers.authorization), token());
  function isAtHome({ headers, socket }: IncomingMessage): boolean {
    const host = hostOf(headers.host);
    return isLoopback(socket.remoteAddress) && (isIP(host) > 0 || names.has(host));
  }
  return {
    hasToken,
    allows: (request) => !isForeignPage(request) && (hasToken(request) || isAtHome(request)),
    mayTry: (request) => token() !== undefined || isAtHome(request),
  };
}

/** A request that a browser makes for a page of another origin. */
function isForeignPage({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  const { origin } = headers;
  return origin !== undefined && origin !== `http://${headers.host}` && origin !== `https://${headers.host}`;
}

function bearerOf(authorization = ''): string {
  return /^Bearer (.+)$/i.exec(authorization)?.[1] ?? '';
}

/** Compares in a time that does not depend on where the first difference is. */
function isSame(given: string, secret: string | undefined): boolean {
  if (secret === undefined) return false;
  const [one, other] = [Buffer.from(given), Buffer.from(secret)];
  return one.length === other.length && timingSafeEqual(one, other);
}

/** The name in a Host header, without port and brackets. */
export function hostOf(header = ''): string {
  const name = /^\[([^\]]*)\](?::\d+)?$/.exec(header)?.[1] ?? header.replace(/:\d+$/, '');
  return name.toLowerCase();
}

function isLoopback(address = ''): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
}
