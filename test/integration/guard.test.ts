import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { killChildren, startApp, startChild } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { makeHome } from '../support/home.js';

afterEach(killChildren);

const TOKEN = 'an-example-secret-of-enough-characters';
const outside = Object.values(networkInterfaces())
  .flat()
  .find((address) => address && !address.internal && address.family === 'IPv4')?.address;

/** The status of one request. */
function curl(...args: string[]): string {
  try {
    return execFileSync('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', ...args], {
      encoding: 'utf8',
    });
  } catch (error) {
    return `curl ${(error as { status: number }).status}`;
  }
}
const bearer = (token: string): string[] => ['-H', `Authorization: Bearer ${token}`];

describe('guarded routes', () => {
  it('opens the guarded routes to this host by its own names only', async () => {
    const { url } = await startApp('app.mjs', { allowedHosts: ['shop.internal'] });
    const route = `${url}/api/stalls`;
    const { port } = new URL(url);
    expect(curl(route)).toBe('200');
    expect(curl('-H', `Host: localhost:${port}`, route)).toBe('200');
    expect(curl('-H', 'Host: [::1]', route)).toBe('200');
    expect(curl('-H', 'Host: Shop.Internal', route)).toBe('200');
    expect(curl('-H', 'Host: attacker.example', route)).toBe('404');
    expect(curl('-H', 'Origin: http://attacker.example', route)).toBe('404');
    expect(curl('-H', 'Sec-Fetch-Site: cross-site', route)).toBe('404');
    expect(curl('-X', 'POST', '-H', 'Origin: null', `${url}/debug/stack`)).toBe('404');
    expect(curl('-H', 'Host: attacker.example', `${url}/metrics`)).toBe('200');
    expect(curl(`${url}/debug/stack`)).toBe('405');
    expect(curl('-X', 'POST', `${route}/x/profile`)).toBe('405');
    expect(curl('-X', 'POST', '-H', 'Host: attacker.example', `${route}/x/profile`)).toBe('404');
    expect(curl('-X', 'POST', `${url}/debug/cpu-profile?seconds=31`)).toBe('400');
    expect(curl(`${url}/debug/threads`)).toBe('405');
    expect(curl('-X', 'POST', '-H', 'Host: attacker.example', `${url}/debug/threads`)).toBe('404');
  });

  it.runIf(outside)('opens them to others by the token only', async () => {
    const { url } = await startApp('app.mjs', { token: TOKEN });
    const from = `http://${outside}:${new URL(url).port}`;
    expect(curl(`${from}/metrics`)).toBe('200');
    expect(curl(`${from}/api/stalls`)).toBe('404');
    expect(curl(...bearer(`${TOKEN}x`), `${from}/api/stalls`)).toBe('404');
    expect(curl(`${from}/api/stalls?token=${TOKEN}`)).toBe('404');
    expect(curl(...bearer(TOKEN), `${from}/api/stalls`)).toBe('200');
  });
});

describe('the token', () => {
  const closed = 'Host: attacker.example';

  it('may be in the environment', async () => {
    const { url } = await startApp('app.mjs', {}, { env: { WATCHDOG_TOKEN: TOKEN } });
    expect(curl('-H', closed, `${url}/api/stalls`)).toBe('404');
    expect(curl('-H', closed, ...bearer(TOKEN), `${url}/api/stalls`)).toBe('200');
  });

  it('may be in a file, and change there; a bad one is a warning, and the good one stays', async () => {
    const file = join(makeHome(), 'token');
    const write = (text: string): void => {
      writeFileSync(`${file}.new`, text);
      renameSync(`${file}.new`, file);
    };
    write(`${TOKEN}\n`);
    const { app, url } = await startApp('app.mjs', { tokenFile: file, guardMetrics: true });
    const status = (token: string): string => curl(...bearer(token), `${url}/metrics`);
    expect(status(TOKEN)).toBe('200');
    write(`${TOKEN}-renewed\n`);
    await eventually(() => status(`${TOKEN}-renewed`) === '200' || undefined, 'the new token opens');
    expect(status(TOKEN)).toBe('401');
    write('short');
    await eventually(() => {
      status(TOKEN);
      return app.messages('warning').length > 0 || undefined;
    }, 'the warning');
    expect(app.messages('warning')).toMatchObject([
      {
        message:
          `The option "tokenFile" cannot be used: the token in ${file} must be 32 printable ASCII ` +
          'characters or more, without spaces. Until it can, the token before it goes on.',
      },
    ]);
    expect(status(`${TOKEN}-renewed`)).toBe('200');
  });

  it('that is not there yet opens nothing, which is said at the start, once; then it opens', async () => {
    const file = join(makeHome(), 'token');
    const { app, url } = await startApp('app.mjs', { tokenFile: file, guardMetrics: true });
    expect(await app.message('warning')).toMatchObject({
      message: expect.stringMatching(
        /^The option "tokenFile" cannot be used: ENOENT.*nobody has the token\.$/,
      ),
    });
    for (const token of ['undefined', '', TOKEN])
      expect(curl(...bearer(token), `${url}/metrics`)).toBe('401');
    expect(curl('-H', closed, ...bearer('undefined'), `${url}/api/stalls`)).toBe('404');
    writeFileSync(`${file}.new`, TOKEN);
    renameSync(`${file}.new`, file);
    await eventually(
      () => curl(...bearer(TOKEN), `${url}/metrics`) === '200' || undefined,
      'the token opens',
    );
    expect(app.messages('warning')).toHaveLength(0);
  });

  it('guards the metrics if asked to, from everyone; the probes stay open', async () => {
    const { url } = await startApp('app.mjs', { token: TOKEN, guardMetrics: true });
    const refused = await fetch(`${url}/metrics`);
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toBe('Bearer');
    expect(curl(...bearer(TOKEN), `${url}/metrics`)).toBe('200');
    for (const probe of ['livez', 'readyz', 'healthz']) expect(curl(`${url}/${probe}`), probe).toBe('200');
    // On this host the rest is open as ever.
    expect(curl(`${url}/api/stalls`)).toBe('200');
  });
});

describe('TLS', () => {
  const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { stdio: 'pipe' });
  /** A key and a certificate for localhost, signed by `issuer` or by itself. */
  function certify(home: string, name: string, issuer?: string): { key: string; cert: string } {
    const [key, cert] = [join(home, `${name}.key`), join(home, `${name}.pem`)];
    const by = issuer ? ['-CA', join(home, `${issuer}.pem`), '-CAkey', join(home, `${issuer}.key`)] : [];
    openssl(
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...[
        '-subj',
        `/CN=${name}`,
        '-addext',
        'subjectAltName=IP:127.0.0.1',
        '-keyout',
        key,
        '-out',
        cert,
        ...by,
      ],
    );
    return { key, cert };
  }

  it('serves the certificate that is in the files now', async () => {
    const home = makeHome();
    const first = certify(home, 'first');
    const second = certify(home, 'second');
    const tls = { key: join(home, 'key'), cert: join(home, 'cert') };
    const install = (pair: { key: string; cert: string }): void => {
      execFileSync('cp', [pair.key, tls.key]);
      execFileSync('cp', [pair.cert, tls.cert]);
    };
    install(first);
    const { app, url } = await startApp('app.mjs', { tls });
    expect(url).toMatch(/^https:/);
    const trusting = (cert: string): string => curl('--cacert', cert, `${url}/metrics`);
    expect(trusting(first.cert)).toBe('200');
    install(second);
    await eventually(() => trusting(second.cert) === '200' || undefined, 'the new certificate is served');
    expect(trusting(first.cert)).toBe('curl 60');
    // A key that does not go with the certificate: the pair before it goes on.
    execFileSync('cp', [first.key, tls.key]);
    await eventually(() => {
      expect(trusting(second.cert)).toBe('200');
      return app.messages('warning').length > 0 || undefined;
    }, 'the warning');
  });

  it('lets in certified clients only, if there is an authority for them', async () => {
    const home = makeHome();
    const server = certify(home, 'server');
    const authority = certify(home, 'authority');
    const client = certify(home, 'client', 'authority');
    const { url } = await startApp('app.mjs', { tls: { ...server, ca: authority.cert } });
    const trusting = ['--cacert', server.cert];
    expect(curl(...trusting, '--cert', client.cert, '--key', client.key, `${url}/metrics`)).toBe('200');
    expect(curl(...trusting, '--cert', server.cert, '--key', server.key, `${url}/metrics`)).toMatch(/^curl/);
    expect(curl(...trusting, `${url}/metrics`)).toMatch(/^curl/);
  });

  /** All at once, so that nobody sees half of it. */
  function install(from: string, to: string): void {
    copyFileSync(from, `${to}.new`);
    renameSync(`${to}.new`, to);
  }

  /** What a client that trusts the server gets, by the certificate it shows. */
  function clientOf(url: string, server: { cert: string }) {
    return (client?: { key: string; cert: string }, route = '/metrics'): string =>
      curl(
        '--cacert',
        server.cert,
        ...(client ? ['--cert', client.cert, '--key', client.key] : []),
        `${url}${route}`,
      );
  }

  it('whose files come after the start is served from then on, to certified clients only', async () => {
    const home = makeHome();
    const [server, authority] = [certify(home, 'server'), certify(home, 'authority')];
    const client = certify(home, 'client', 'authority');
    const tls = {
      key: join(home, 'later.key'),
      cert: join(home, 'later.pem'),
      ca: join(home, 'later-ca.pem'),
    };
    const port = await freePort();
    const ask = clientOf(`https://127.0.0.1:${port}`, server);
    const app = startChild('app.mjs', { args: [JSON.stringify({ port, tls })] });

    const failed = await app.message('failed');
    expect(failed).toEqual({
      name: 'WatchdogError',
      code: 'ERR_WATCHDOG_TLS_UNUSABLE',
      message: expect.stringMatching(/option "tls" cannot be used: ENOENT.*later\.key.*keeps trying/),
    });
    expect(await app.message('warning')).toMatchObject({
      code: 'ERR_WATCHDOG_TLS_UNUSABLE',
      message: (failed as Error).message,
    });
    expect(ask(client), 'nothing listens').toBe('curl 7');

    install(server.key, tls.key);
    install(server.cert, tls.cert);
    // What is wrong is something else by now.
    const later = await eventually(
      () => app.messages('warning').find((one) => (one as Error).message.includes(tls.ca)),
      'the authority is missed',
    );
    expect(later).toMatchObject({
      code: 'WATCHDOG_SIDECAR',
      message: expect.stringMatching(/option "tls" cannot be used: ENOENT.*keeps trying/),
    });
    expect(ask(client), 'nothing listens').toBe('curl 7');
    install(authority.cert, tls.ca);
    await eventually(() => ask(client) === '200' || undefined, 'it serves');
    for (const route of ['/metrics', '/api/stalls', '/livez']) {
      expect(ask(client, route), route).toBe('200');
      expect(ask(undefined, route), route).toMatch(/^curl/);
      expect(ask(server, route), route).toMatch(/^curl/);
    }
    const told = app.messages('warning').map((one) => (one as Error).message);
    expect(new Set(told).size, told.join('\n')).toBe(told.length);
  });

  it.each<[string, 'key' | 'cert' | 'ca', (file: string) => void]>([
    ['an empty key', 'key', (file) => writeFileSync(file, '')],
    ['a key of another certificate', 'key', (file) => copyFileSync(join(file, '..', 'authority.key'), file)],
    ['an empty certificate', 'cert', (file) => writeFileSync(file, '')],
    // Of which OpenSSL makes: all authorities of the web.
    ['an empty authority', 'ca', (file) => writeFileSync(file, '')],
    ['an authority that is none', 'ca', (file) => writeFileSync(file, 'soon')],
    ['half an authority', 'ca', (file) => writeFileSync(file, '-----BEGIN CERTIFICATE-----\nMIIB')],
    ['a pipe', 'cert', (file) => execFileSync('mkfifo', [file])],
    ['a directory', 'ca', (file) => mkdirSync(file)],
    ['a huge file', 'ca', (file) => execFileSync('truncate', ['-s', '8G', file])],
    ['a file of which there is no end', 'key', (file) => execFileSync('ln', ['-s', '/dev/zero', file])],
  ])('with %s serves nobody, and says which file is wrong', async (_, which, spoil) => {
    const home = makeHome();
    const [server, authority] = [certify(home, 'server'), certify(home, 'authority')];
    const tls = { ...server, ca: authority.cert, [which]: join(home, 'spoilt') };
    spoil(tls[which]);
    const port = await freePort();
    const app = startChild('app.mjs', { args: [JSON.stringify({ port, tls })] });
    expect(await app.message('failed')).toMatchObject({
      code: 'ERR_WATCHDOG_TLS_UNUSABLE',
      message: expect.stringMatching(/option "tls" cannot be used: .*\/spoilt\b/),
    });
    expect(curl('-k', `https://127.0.0.1:${port}/metrics`)).toBe('curl 7');
  });

  it('keeps the authority it had when the file is emptied, made another thing, or removed', async () => {
    const home = makeHome();
    const [server, authority] = [certify(home, 'server'), certify(home, 'authority')];
    const client = certify(home, 'client', 'authority');
    const ca = join(home, 'ca.pem');
    copyFileSync(authority.cert, ca);
    const { app, url } = await startApp('app.mjs', { tls: { ...server, ca } });
    const ask = clientOf(url, server);
    expect(ask(client)).toBe('200');
    const spoils: [RegExp, () => void][] = [
      [/there is none in PEM/, () => writeFileSync(ca, '')],
      [/is not a file/, () => execFileSync('sh', ['-c', 'mkfifo "$0.pipe" && mv "$0.pipe" "$0"', ca])],
      [/ENOENT/, () => rmSync(ca)],
    ];
    for (const [reason, spoil] of spoils) {
      spoil();
      await eventually(() => {
        expect(ask(client)).toBe('200');
        return app.messages('warning').length > 0 || undefined;
      }, 'the warning');
      expect(await app.message('warning')).toMatchObject({ message: expect.stringMatching(reason) });
      expect(ask()).toMatch(/^curl/);
      expect(ask(server)).toMatch(/^curl/);
    }
  });
});
