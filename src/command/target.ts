import { DEFAULT_PORT } from '../shared/rules.js';
import { wrongUsage } from './error.js';

type Environment = Readonly<Record<string, string | undefined>>;

const LOCAL = '127.0.0.1';
const RULE = 'a port from 1 to 65535, host:port, or an http(s) URL';

/**
 * Whom to ask.
 * @param text a port, a host with or without one, or a URL, of which the path is left out: they are copied
 * from a log as `…/metrics`. Without it, this host's, as the variables of the app say.
 * @throws CommandError
 */
export function targetOf(text: string | undefined, env: Environment): URL {
  if (text === undefined) return new URL(`http://${LOCAL}:${portOf(env)}`);
  if (/^\d+$/.test(text)) {
    if (isPort(text)) return new URL(`http://${LOCAL}:${text}`);
    throw wrongTarget(text);
  }
  if (/^https?:\/\//i.test(text)) return originOf(text, text);
  // Not by `URL`, which drops a port that is the scheme's own.
  const [, host, port] = /^(\[[^\]]*\]|[^:/@?#\s]*)(?::(\d+))?$/.exec(text) ?? [];
  if (host === undefined || text === '' || (port !== undefined && !isPort(port))) throw wrongTarget(text);
  return originOf(`http://${host === '' ? LOCAL : host}:${port ?? portOf(env)}`, text);
}

function originOf(url: string, text: string): URL {
  if (!URL.canParse(url)) throw wrongTarget(text);
  const { origin, username, password } = new URL(url);
  if (username !== '' || password !== '') {
    throw wrongUsage('The URL has a password in it. A token is given by --token-file FILE.');
  }
  return new URL(origin);
}

function portOf({ WATCHDOG_PORT: port = '' }: Environment): string {
  if (port === '') return String(DEFAULT_PORT);
  if (isPort(port)) return port;
  // 0 takes any: the app has said which on standard error.
  throw wrongUsage(
    `WATCHDOG_PORT is ${JSON.stringify(port)}: name the port, as in \`event-loop-watchdog top 9464\`.`,
  );
}

const isPort = (text: string): boolean => /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 65535;

const wrongTarget = (text: string): Error =>
  wrongUsage(`What to ask must be ${RULE}, but is ${JSON.stringify(text)}.`);
