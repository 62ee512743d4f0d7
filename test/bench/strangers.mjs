// What probes and scrapes take while 64 connections of strangers ask for a hundred scrapes each of a registry
// of 30,000 series and never read. Budget: /livez in 500 ms (p99), no sidecar lost, no scrape lost.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { keep } from './kit/results.mjs';

const SERIES = 30_000;
const CONNECTIONS = 64;
const SECONDS = 30;
const PROBE_EVERY_MS = 50;
const SCRAPE_EVERY_MS = 1000;
const LATE_MS = 10_000;

const start = (...args) => fork(fileURLToPath(new URL('strangers.child.mjs', import.meta.url)), args);

/**
 * Milliseconds that an answer with status 200 took, and its bytes; a connection of its own, as kubelet does
 * it.
 */
async function ask(url, headers = {}) {
  const from = performance.now();
  const request = get(url, { agent: false, headers, timeout: LATE_MS });
  request.on('timeout', () => request.destroy(new Error('ETIMEDOUT')));
  const [response] = await once(request, 'response');
  let text = '';
  for await (const chunk of response.setEncoding('latin1')) text += chunk;
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
  return { ms: performance.now() - from, text };
}

async function repeat(everyMs, untilMs, attempt) {
  const times = [];
  const faults = {};
  while (performance.now() < untilMs) {
    try {
      times.push((await attempt()).ms);
    } catch (error) {
      const fault = error.code ?? error.message;
      faults[fault] = (faults[fault] ?? 0) + 1;
    }
    await sleep(everyMs);
  }
  times.sort((a, b) => a - b);
  return { times, faults };
}

const of = ({ times }, q) => times[Math.min(times.length - 1, Math.floor(times.length * q))] ?? Number.NaN;
const told = (kind, result) =>
  `  ${kind.padEnd(8)} ${String(result.times.length).padStart(4)} answered, p50 ` +
  `${of(result, 0.5).toFixed(1)} ms, p99 ${of(result, 0.99).toFixed(1)} ms, ` +
  `worst ${of(result, 1).toFixed(1)} ms; failed: ${JSON.stringify(result.faults)}`;

const app = start('app', String(SERIES));
const ended = once(app, 'exit');
const [{ url }] = await once(app, 'message');
await ask(`${url}/metrics`);
await sleep(1000);
const memory = (key) => {
  try {
    return (
      Number(new RegExp(`${key}:\\s+(\\d+)`).exec(readFileSync(`/proc/${app.pid}/status`, 'utf8'))?.[1]) /
      1024
    );
  } catch {
    return Number.NaN;
  }
};
const beforeMib = memory('VmRSS');
const { text } = await ask(`${url}/metrics`);
const strangers = start('strangers', url, String(CONNECTIONS));
let connected = 0;
strangers.on('message', (message) => {
  connected = message.connected;
});
const untilMs = performance.now() + SECONDS * 1000;
const [probes, scrapes, zipped] = await Promise.all([
  repeat(PROBE_EVERY_MS, untilMs, () => ask(`${url}/livez`)),
  repeat(SCRAPE_EVERY_MS, untilMs, () => ask(`${url}/metrics`)),
  repeat(SCRAPE_EVERY_MS, untilMs, () => ask(`${url}/metrics`, { 'Accept-Encoding': 'gzip' })),
]);
const peakMib = memory('VmHWM');
strangers.kill();
const last = await ask(`${url}/metrics`).catch((error) => ({ text: error.message }));
const restarts = /^watchdog_sidecar_restarts_total (\d+)/m.exec(last.text)?.[1] ?? 'unknown';
const kept = of(probes, 0.99) < 500 && Object.keys(probes.faults).length === 0 && restarts === '0';
console.log(
  `${CONNECTIONS} connections of strangers for ${SECONDS} s, ${SERIES} series, ` +
    `${(text.length / 2 ** 20).toFixed(1)} MiB (Node ${process.version})\n` +
    `${told('/livez', probes)}\n${told('/metrics', scrapes)}\n${told('gzip', zipped)}\n` +
    `  the strangers came ${connected} times; ${restarts} sidecars lost, ` +
    `${(app.exitCode ?? app.signalCode) === null ? 'the app lives' : 'THE APP IS DEAD'}; ` +
    `memory from ${beforeMib.toFixed(0)} to ${peakMib.toFixed(0)} MiB at most\n` +
    `  budget: /livez p99 500 ms, nothing lost: ${kept ? 'kept' : 'EXCEEDED'}`,
);
keep('strangers', {
  livezP99Ms: of(probes, 0.99),
  metricsP99Ms: of(scrapes, 0.99),
  gzipP99Ms: of(zipped, 0.99),
  beforeMib,
  peakMib,
});
app.kill();
await ended;
