import { request } from 'node:http';
import { connect } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterEach, expect, it } from 'vitest';
import { startStrangers } from '../fixtures/strangers.mjs';
import { killChildren, startApp } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { parse, scrape } from '../support/scrape.js';

afterEach(killChildren);

const SERIES = 30_000;
const STRANGERS = 64;
/** A deadline, not an expectation. */
const LATE_MS = 5000;

/** On a connection of its own, as kubelet and Prometheus ask. */
function get(url: string, headers: Record<string, string> = {}): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: false, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }));
    });
    asked.setTimeout(LATE_MS, () => asked.destroy(new Error(`${url} took over ${LATE_MS} ms`)));
    asked.on('error', reject);
    asked.end();
  });
}

it('strangers pipeline scrapes and never read: probes and scrapes are answered, nothing dies', async () => {
  const { url } = await startApp('registry.mjs', {}, { args: ['prom-client', 'text', String(SERIES)] });
  await eventually(async () => (await scrape(url)).has('stock') || undefined, 'the relayed series');
  const strangers = startStrangers(url, STRANGERS);
  try {
    // All have been sent away at least once, or have been let in.
    await eventually(() => strangers.connected >= 2 * STRANGERS || undefined, 'the strangers');
    for (let round = 0; round < 40; round++) {
      expect((await get(`${url}/livez`)).status).toBe(200);
      if (round % 4 > 0) continue;
      const zipped = round % 8 === 0;
      const { status, body } = await get(`${url}/metrics`, zipped ? { 'Accept-Encoding': 'gzip' } : {});
      expect(status).toBe(200);
      const one = parse((zipped ? gunzipSync(body) : body).toString());
      expect(one.value('watchdog_sidecar_restarts_total')).toBe(0);
      expect(one.value('watchdog_collector_errors_total{collector="relay"}')).toBe(0);
      expect(one.family('mine').size).toBe(SERIES);
    }
  } finally {
    strangers.stop();
  }
});

it('a connection has eight requests answered ahead, is told so at the ninth, and ends', async () => {
  const { url } = await startApp('app.mjs');
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  let answer = '';
  socket.setEncoding('latin1').on('data', (data) => {
    answer += data;
  });
  socket.on('error', () => {}); // A reset is an end, too.
  socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(50));
  await new Promise((resolve) => socket.on('close', resolve));
  const statuses = [...answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status));
  expect(statuses).toEqual([...Array(8).fill(200), 503]);
  const last = answer.slice(answer.lastIndexOf('HTTP/1.1 '));
  expect(last).toMatch(/^Retry-After: 1\r$/m);
  expect(last).toMatch(/^Connection: close\r$/m);
  expect(last).toMatch(/^Content-Type: application\/problem\+json\r$/m);
});
