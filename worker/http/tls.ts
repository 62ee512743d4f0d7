import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import type { SidecarOptions, TlsFiles } from '../../src/shared/protocol.js';
import { followFiles } from '../follow-files.js';

export interface Tls {
  /** Whether clients must have a certificate of the authority in `ca`: the options say so, not the files. */
  readonly clientsCertified: boolean;
  /**
   * The key and certificates that are valid now: the last that could be used.
   * @throws what is wrong with the files, while there never were any
   */
  context(): SecureContextOptions;
}

/** `undefined`: plain HTTP. */
export function openTls(
  { tls }: SidecarOptions,
  now: () => number,
  warn: (message: string) => void,
): Tls | undefined {
  if (!tls) return undefined;
  const paths = [tls.key, tls.cert, ...(tls.ca === undefined ? [] : [tls.ca])];
  const files = followFiles(
    paths,
    (texts) => contextOf(tls, texts),
    now,
    ({ message }, kept) => {
      // At the start whoever wants to listen tells of it.
      if (kept) warn(`The option "tls" cannot be used as its files are now: ${message}. Those before go on.`);
    },
  );
  return {
    clientsCertified: tls.ca !== undefined,
    context() {
      const context = files.current();
      if (context) return context;
      throw new Error(`the option "tls" cannot be used: ${files.fault()?.message}`);
    },
  };
}

/**
 * @throws which file is wrong. OpenSSL says so of some faults only: with an empty key or certificate it
 * serves nobody, and instead of an empty `ca` it trusts all authorities of the web.
 */
function contextOf(paths: TlsFiles, [key = '', cert = '', ca = '']: readonly string[]): SecureContextOptions {
  const privateKey = read('a private key', paths.key, () => createPrivateKey(key));
  const certificate = read('a certificate', paths.cert, () => new X509Certificate(cert));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new Error(`the key in ${paths.key} does not belong to the certificate in ${paths.cert}`);
  }
  if (paths.ca !== undefined) read('certificates', paths.ca, () => checkAuthorities(ca));
  const context = { key, cert, ...(paths.ca !== undefined && { ca }) };
  // Not imported: without TLS its certificates would be read all the same, by one more thread.
  const { createSecureContext } = process.getBuiltinModule('node:tls');
  read('what can be served', paths.cert, () => createSecureContext(context));
  return context;
}

function read<T>(what: string, path: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new Error(`${path} does not hold ${what} (${(error as Error).message})`);
  }
}

/** One that is cut off, too. */
const CERTIFICATE = /-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----[\s\S]*?(?:-----END \1-----|$)/g;

/** What is no certificate OpenSSL skips, and goes on with those that are left, or none. */
function checkAuthorities(text: string): void {
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) throw new Error('there is none in PEM');
  for (const one of certificates) new X509Certificate(one);
}
