import { printable } from '../shared/printable.js';
import type { Answer, Question } from './client.js';
import type { Token } from './token.js';

export interface Asked extends Question {
  readonly base: URL;
  readonly timeoutMs: number;
}

/** Why there is no answer, and what to do. */
export function whyUnreachable({ base, timeoutMs }: Asked, error: Error, timedOut: boolean): string {
  const { origin, protocol, host } = base;
  if (timedOut) {
    return (
      `${origin} has not answered within ${timeoutMs / 1000} s. Either its whole process stands still ` +
      '(stopped, out of CPU, in a debugger), or something else has the port, or a firewall is between.'
    );
  }
  const { code = '' } = error as NodeJS.ErrnoException;
  const advice = ADVICE.find(([codes]) => codes.test(code))?.[1];
  if (advice) return advice(base);
  if (protocol === 'https:' && /SSL|EPROTO/.test(code))
    return `${origin} does not speak TLS: try http://${host}.`;
  return `${origin} cannot be asked: ${printable(error.message || code)}.`;
}

const ADVICE: readonly (readonly [codes: RegExp, advice: (base: URL) => string])[] = [
  [
    /^ECONNREFUSED$/,
    ({ origin }) =>
      `Nothing listens at ${origin}. Does the app run, with a watchdog, on that port? ` +
      'Name another (`event-loop-watchdog top 9465`), or set WATCHDOG_PORT.',
  ],
  [
    /^(?:ENOTFOUND|EAI_AGAIN)$/,
    ({ hostname }) => `There is no host ${JSON.stringify(hostname)}. Ask by a port, host:port, or a URL.`,
  ],
  [
    /CERTIFICATE_REQUIRED/,
    ({ origin }) =>
      `${origin} asks for a client certificate (the option tls.ca), and this command has none: use curl --cert.`,
  ],
  [
    /^(?:ERR_TLS_CERT_ALTNAME_INVALID)$/,
    ({ origin, hostname }) =>
      `The certificate of ${origin} is not for ${hostname}: ask by the name that it is for. ` +
      "On the app's own host that needs allowedHosts, or the token.",
  ],
  [
    /CERT|UNABLE_TO/,
    ({ origin }) =>
      `The certificate of ${origin} is not trusted here. Name the file of its authority: NODE_EXTRA_CA_CERTS=ca.pem.`,
  ],
  [
    /^(?:ECONNRESET|HPE_\w+|EPIPE)$/,
    ({ origin, protocol, host }) =>
      protocol === 'http:'
        ? `${origin} hung up: the app has ended, or has no file descriptor left, or the port speaks no HTTP. ` +
          `With the option tls it is https://${host}.`
        : `${origin} hung up: has the app ended, or no file descriptor left?`,
  ],
];

/** Why an answer is none that helps, and what to do. */
export function whyRefused({ base, method, path }: Asked, answer: Answer, token: Token): string {
  const [route = path] = path.split('?');
  const asked = `${method} ${route} at ${base.origin}`;
  const detail = detailOf(answer);
  if (answer.status === 401) return `${base.origin} asks for a token: --token-file FILE, or WATCHDOG_TOKEN.`;
  if (detail === undefined) {
    return `What answers at ${base.origin} is no watchdog: ${asked} brought status ${answer.status}.`;
  }
  if (answer.status === 404 && detail.startsWith('There is nothing at')) return notForUs(asked, token);
  if (answer.status === 429) return `${base.origin}: ${detail} One at a time: try again in some seconds.`;
  return `${base.origin}: ${detail}`;
}

/** For strangers a guarded route does not exist. */
function notForUs(asked: string, { value, trouble }: Token): string {
  const withToken =
    value === undefined
      ? 'with the token: --token-file FILE, or WATCHDOG_TOKEN'
      : 'with the right token: the one that was given is not it, or the app has none';
  return (
    `${asked} is for this command on the app's own host, by an IP address or localhost (kubectl exec, ssh), or ` +
    `${withToken}.${trouble === undefined ? '' : ` ${trouble}`}` +
    ' If that is so, the app runs an older version, which lacks it.'
  );
}

/** What a watchdog says of an error; no other server says it like that. */
function detailOf({ headers, body }: Answer): string | undefined {
  if (!/^application\/problem\+json/.test(headers['content-type'] ?? '')) return undefined;
  try {
    const { detail } = JSON.parse(body) as { detail?: unknown };
    return typeof detail === 'string' ? printable(detail) : undefined;
  } catch {
    return undefined;
  }
}
