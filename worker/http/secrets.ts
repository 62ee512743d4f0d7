import { isToken, type SidecarOptions, TOKEN_RULE } from '../../src/shared/protocol.js';
import { followFiles } from '../files.js';
import { checkTls, type TlsContext } from './server.js';

type Warn = (error: Error) => void;

/** The token that is valid now: the one given, or what the file holds. */
export function openToken(
  { token, tokenFile }: SidecarOptions,
  now: () => number,
  warn: Warn,
): () => string | undefined {
  if (tokenFile === undefined) return () => token;
  const tokenOf = ([text = '']: readonly string[]): string => {
    const secret = text.trim();
    if (!isToken(secret)) throw new Error(`The token in ${tokenFile} must be ${TOKEN_RULE}.`);
    return secret;
  };
  return followFiles([tokenFile], tokenOf, now, warn);
}

/** The key and certificates that are valid now; `undefined`: plain HTTP. */
export function openTls(
  { tls }: SidecarOptions,
  now: () => number,
  warn: Warn,
): (() => TlsContext | undefined) | undefined {
  if (!tls) return undefined;
  const files = [tls.key, tls.cert, ...(tls.ca === undefined ? [] : [tls.ca])];
  const contextOf = ([key = '', cert = '', ca]: readonly string[]): TlsContext =>
    checkTls({ key, cert, ...(ca !== undefined && { ca }), clientsCertified: ca !== undefined });
  return followFiles(files, contextOf, now, warn);
}
