import { describe, expect, it } from 'vitest';
import { whyRefused, whyUnreachable } from '../../../../src/command/failures.js';

const asked = (base: string, path = '/api/stalls') =>
  ({ base: new URL(base), method: 'GET', path, timeoutMs: 5000 }) as const;
const HTTP = asked('http://127.0.0.1:9464');
const HTTPS = asked('https://shop-1:9464');
const NO_TOKEN = { value: undefined, trouble: undefined };

describe('why there is no answer', () => {
  it.each([
    [
      HTTP,
      'ECONNREFUSED',
      /^Nothing listens at http:\/\/127\.0\.0\.1:9464\. Does the app run.*WATCHDOG_PORT/,
    ],
    [HTTPS, 'ENOTFOUND', /^There is no host "shop-1"/],
    [HTTP, 'ECONNRESET', /With the option tls it is https:\/\/127\.0\.0\.1:9464\.$/],
    [HTTP, 'HPE_INVALID_CONSTANT', /speaks no HTTP/],
    [HTTPS, 'ECONNRESET', /hung up: has the app ended, or no file descriptor left\?$/],
    [HTTPS, 'EPROTO', /does not speak TLS: try http:\/\/shop-1:9464\.$/],
    [HTTPS, 'ERR_SSL_WRONG_VERSION_NUMBER', /does not speak TLS/],
    [HTTPS, 'SELF_SIGNED_CERT_IN_CHAIN', /NODE_EXTRA_CA_CERTS=ca\.pem/],
    [HTTPS, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', /NODE_EXTRA_CA_CERTS/],
    [HTTPS, 'ERR_TLS_CERT_ALTNAME_INVALID', /is not for shop-1: ask by the name/],
    [HTTPS, 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', /asks for a client certificate/],
    [HTTP, 'EHOSTUNREACH', /cannot be asked: the system's words/],
  ])('%o %s', (question, code, message) => {
    const error = Object.assign(new Error("the system's words"), { code });
    expect(whyUnreachable(question, error, false)).toMatch(message);
  });

  it('is told of one that takes too long', () => {
    expect(whyUnreachable(HTTP, new Error('aborted'), true)).toMatch(/has not answered within 5 s\. Either/);
  });
});

describe('why an answer does not help', () => {
  const problem = (status: number, detail: string) => ({
    status,
    headers: { 'content-type': 'application/problem+json' },
    body: JSON.stringify({ detail }),
  });

  it('is where it was asked from, or the token', () => {
    const answer = problem(404, 'There is nothing at /api/stalls.');
    expect(whyRefused(HTTP, answer, NO_TOKEN)).toMatch(
      /kubectl exec, ssh\), or with the token: --token-file/,
    );
    expect(whyRefused(HTTP, answer, { value: 'x', trouble: undefined })).toMatch(/with the right token/);
    expect(whyRefused(HTTP, answer, { value: undefined, trouble: 'F cannot be read.' })).toContain(
      ' F cannot be read.',
    );
    expect(whyRefused(HTTP, problem(401, ''), NO_TOKEN)).toMatch(/asks for a token/);
  });

  it('is what the watchdog says', () => {
    const other = 'There is no such stall among the latest hundred.';
    expect(whyRefused(HTTP, problem(404, other), NO_TOKEN)).toBe(`http://127.0.0.1:9464: ${other}`);
    const busy = whyRefused(HTTP, problem(429, 'Another capture is under way.'), NO_TOKEN);
    expect(busy).toMatch(/Another capture is under way\. One at a time: try again/);
    expect(whyRefused(HTTP, problem(504, 'No\u001b[2J answer.'), NO_TOKEN)).toContain('No\\u001b[2J answer.');
  });

  it('is that it is no watchdog', () => {
    const answer = { status: 404, headers: { 'content-type': 'text/html' }, body: '<h1>Not found</h1>' };
    expect(whyRefused(HTTP, answer, NO_TOKEN)).toBe(
      'What answers at http://127.0.0.1:9464 is no watchdog: GET /api/stalls at http://127.0.0.1:9464 brought status 404.',
    );
  });
});
