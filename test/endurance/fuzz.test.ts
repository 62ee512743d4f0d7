import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import { killChildren, startApp } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { descriptors, rssMib } from '../support/process.js';
import { promtool, SKIP_PROMTOOL } from '../support/promtool.js';
import { scrape } from '../support/scrape.js';
import { SEED } from '../support/seed.js';

afterEach(killChildren);

const REQUESTS = 50_000;
const AT_ONCE = 16;
/** A connection that the server neither serves nor ends by then hangs: its own limits are 10 s and 5 s. */
const HANG_MS = 30_000;
/**
 * At some 15,000 requests a second V8 lets the garbage lie for a while: 25 MiB after 50,000, and no more than
 * 140 after 900,000. A kilobyte of each that leaked would be 50 MiB more.
 */
const NOISE_MIB = 64;
/**
 * All that may be answered; 503 comes after a hundred requests on one connection, 429 and 504 from captures.
 */
const STATUSES = [100, 200, 400, 401, 404, 405, 408, 413, 414, 417, 429, 431, 503, 504];

const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}$/);
const text = fc.string({ maxLength: 60, unit: 'binary' }).map((one) => one.replace(/[\r\n]/g, ' '));
const served = fc.constantFrom(
  '/metrics',
  '/livez',
  '/readyz?verbose',
  '/healthz',
  '/api/stalls',
  '/api/stalls/x',
  '/api/stalls/x/profile',
);
const path = fc.oneof(
  served,
  // Not a valid `cpu-profile`: each takes a second at least.
  fc.constantFrom(
    '/debug/stack',
    '/debug/stack?thread=%0d',
    '/debug/threads?format=x',
    '/debug/cpu-profile?seconds=0',
    '/debug/cpu-profile?seconds=NaN',
  ),
  fc.constantFrom(
    '/../../etc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '//evil/metrics',
    '/metrics/',
    '/METRICS',
  ),
  fc.constantFrom('/__proto__', '/constructor', '/api/stalls/__proto__', '/%00', '/%', '/metrics%0d%0aX: 1'),
  fc.constantFrom('*', 'http://evil.example/metrics', 'http://', 'https://[::1/', 'evil:443', 'javascript:1'),
  fc.webPath(),
  text.map((one) => `/${one.replace(/ /g, '')}`),
  fc.nat(4000).map((length) => `/metrics?${'q'.repeat(length)}`),
);
const header = fc.oneof(
  fc.constantFrom(
    'Host: localhost',
    'Host: evil.example',
    'Host:',
    'Origin: http://evil.example',
    'Sec-Fetch-Site: cross-site',
    'Authorization: Bearer x',
    'Authorization: Basic eDp5',
    'Accept-Encoding: gzip;q=0.1,*',
    'Accept-Encoding: gzip;q=,,;;',
    'X-Prometheus-Scrape-Timeout-Seconds: -1',
    'X-Prometheus-Scrape-Timeout-Seconds: 1e999',
    'Expect: 100-continue',
    'Expect: nonsense',
    'Connection: close',
    'Connection: keep-alive, Upgrade',
    'Upgrade: websocket',
    'Range: bytes=0-1',
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: identity, chunked',
    'Content-Length: 5',
    'Content-Length: -1',
    'Content-Length: 99999999999999999999',
    ' folded: x',
  ),
  fc.tuple(token, text).map(([name, value]) => `${name}: ${value}`),
  fc.nat(9000).map((length) => `X-Long: ${'x'.repeat(length)}`),
);
const body = fc.oneof(
  { weight: 6, arbitrary: fc.constant('') },
  fc.constantFrom('x=1&y', '5\r\nhello\r\n0\r\n\r\n', 'zz\r\n', `400\r\n${'x'.repeat(1024)}\r\n`),
  text,
);
const wellFormed = fc
  .tuple(
    fc.constantFrom('GET', 'HEAD'),
    fc.oneof(served, path),
    fc.subarray(['Accept: */*', 'Accept-Encoding: gzip', 'Origin: null']),
  )
  .map(([method, target, headers]) =>
    [`${method} ${target} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n'),
  );
const odd = fc
  .tuple(
    fc.oneof(
      fc.constantFrom('GET', 'POST', 'PUT', 'OPTIONS', 'TRACE', 'CONNECT', 'PRI', 'get', 'QUERY'),
      token,
    ),
    path,
    fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/0.9', 'ICE/1.0', ''),
    fc.array(header, { maxLength: 8 }),
    fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r'),
    body,
  )
  .map(([method, target, version, headers, end, rest]) =>
    [`${method} ${target} ${version}`, ...headers, '', rest].join(end),
  );
const garbage = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const request = fc.oneof(
  { weight: 5, arbitrary: wellFormed },
  { weight: 4, arbitrary: odd },
  { weight: 1, arbitrary: garbage },
);
const conversation = fc.record({
  // One that is not understood is the last of its connection.
  requests: fc.oneof(
    fc.array(wellFormed, { minLength: 1, maxLength: 25 }),
    fc.array(request, { minLength: 1, maxLength: 6 }),
  ),
  /** What the client does when it has sent all. */
  end: fc.constantFrom('finish', 'finish', 'finish', 'cut', 'wait'),
});

/** What came of all requests. */
interface Outcome {
  readonly statuses: Map<string, number>;
  readonly hung: string[];
  sent: number;
}

async function converse(
  port: number,
  outcome: Outcome,
  { requests, end }: { requests: string[]; end: string },
): Promise<void> {
  const { statuses, hung } = outcome;
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  socket.setEncoding('latin1');
  let tail = '';
  socket.on('data', (data: string) => {
    const all = tail + data;
    for (const [, status = ''] of all.matchAll(/HTTP\/1\.1 (\d{3}) /g)) {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    // A status line may be cut in two; one that is whole must not be seen twice.
    tail = all.slice(-12).replace(/HTTP\/1\.1 \d{3} ?/, '');
  });
  const over = new Promise<void>((resolve) => socket.on('close', () => resolve()).on('end', () => resolve()));
  socket.on('error', () => {}); // A reset is an answer, too.
  outcome.sent += requests.length;
  socket.write(requests.join(''), 'latin1');
  if (end === 'cut') await sleep(1);
  else if (end === 'finish') socket.end();
  const cut = end === 'cut' || (end === 'wait' && (await Promise.race([over, sleep(20, 'cut')])) === 'cut');
  if (!cut) {
    const done = await Promise.race([over.then(() => true), sleep(HANG_MS, false, { ref: false })]);
    if (!done) hung.push(JSON.stringify(requests).slice(0, 2000));
  }
  socket.destroy();
}

it(`${REQUESTS} hostile requests neither crash, hang nor swell the sidecar`, async () => {
  console.log(`repeat with WATCHDOG_TEST_SEED=${SEED}`);
  const { app, url } = await startApp('registry.mjs', {}, { args: ['prom-client'], deadManMs: 600_000 });
  app.send({
    deed: 'pools',
    value: ['a"b', 'a\\', 'a\\nb} 1', 'größe', '漢 字', '# HELP x', "it's", '{}\\r\\nX: 1'],
  });
  await app.message('done');
  const pid = app.process.pid as number;
  const port = Number(new URL(url).port);

  const outcome: Outcome = { statuses: new Map(), hung: [], sent: 0 };
  async function run(count: number, from: number): Promise<void> {
    const until = outcome.sent + count;
    let round = from;
    const lane = async (): Promise<void> => {
      while (outcome.sent < until) {
        for (const one of fc.sample(conversation, { seed: SEED + round++, numRuns: 50 }))
          await converse(port, outcome, one);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
  }

  // What grows once is no leak.
  await run(REQUESTS / 10, 0);
  const before = { mib: rssMib(pid), fds: descriptors(pid) };
  await run(REQUESTS - outcome.sent, 1_000_000);
  // Those that were left waiting are ended by the server's own time-outs.
  const fds = await eventually(() => {
    const now = descriptors(pid);
    return now <= before.fds ? now : undefined;
  }, 'all connections are closed');
  const mib = rssMib(pid);
  const one = await scrape(url);
  console.log(
    `${outcome.sent} requests: ${[...outcome.statuses]
      .toSorted()
      .map(([status, count]) => `${count} x ${status}`)
      .join(', ')}; ` +
      `RSS ${before.mib.toFixed(0)} to ${mib.toFixed(0)} MiB, descriptors ${before.fds} to ${fds}`,
  );
  expect(outcome.hung).toEqual([]);
  expect([...outcome.statuses.keys()].map(Number).filter((status) => !STATUSES.includes(status))).toEqual([]);
  expect(mib - before.mib).toBeLessThan(NOISE_MIB);
  expect(one.value('watchdog_sidecar_restarts_total')).toBe(0);
  for (const errors of one.family('watchdog_collector_errors_total').values()) expect(errors).toBe(0);
  expect(one.text.match(/^watchdog_pool_capacity\{/gm)).toHaveLength(8);
  if (!SKIP_PROMTOOL) expect(promtool(['check', 'metrics'], { input: one.text })).toBe('');
});
