// `npm run soak -- --minutes 10 [--seed N]`: an app under load that stalls at random (in scripts that say odd
// things of themselves, in a huge bundle with its map, in scripts that only their time-out ends), whose
// process is stopped and whose sidecar is killed at random, and to which strangers come who ask for much and
// never read. At the end the counts must be right: every stall in the journal, once and with its length; no
// counter ever lower; no scrape lost but while a sidecar was being replaced; memory and descriptors flat.
import { fork } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startStrangers } from '../fixtures/strangers.mjs';
import { randomFrom } from '../support/random.mjs';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error(`--minutes must be a number above 0, but is ${values.minutes}`);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const random = randomFrom(seed);

const THRESHOLD_MS = 100;
/** A length is right within this much, or this part of it. */
const TOLERANCE_MS = 1;
const TOLERANCE = 0.01;
/** A report is of a stall if it starts in its turn, or so near to it. Stalls are at least 200 ms apart. */
const SAME_START_MS = 100;
/**
 * How long after its death a sidecar may be away: a second, and as long as the main thread, which replaces
 * it, stands still.
 */
const RESPAWN_MS = 5000;
/** How long the last of what happened is waited for: what a busy machine may take. */
const PATIENCE_MS = 60_000;
/** More deaths in a row, and the next sidecar would take its time, as it should. */
const KILLS_IN_A_ROW = 8;
/** A sidecar that lives as long is healthy. */
const HEALTHY_MS = 31_000;
const SCRAPE_EVERY_MS = 200;
/** A process's memory moves by this much on its own. */
const NOISE_MIB = 24;
const NOISE_DESCRIPTORS = 3;
/** Connections: as many as the sidecar has. */
const STRANGERS = 64;
const WAYS = ['terminate', 'exception', 'exhaustion', 'exit'];

const home = mkdtempSync(join(tmpdir(), 'watchdog-soak-'));
const journal = join(home, 'stalls.jsonl');
const app = fork(fileURLToPath(new URL('app.mjs', import.meta.url)), [journal, String(seed)]);
const exited = new Promise((resolve) => app.once('exit', (code, signal) => resolve({ code, signal })));
const said = (key) =>
  new Promise((resolve, reject) => {
    app.on('message', (message) => Object.hasOwn(message, key) && resolve(message[key]));
    exited.then((end) => reject(new Error(`the app ended: ${JSON.stringify(end)}`)));
  });

const truths = [];
let deaths = 0;
/** When the sidecar was last known to be away. */
let awayMs = 0;
let away = true;
app.on('message', ({ stall, sidecar }) => {
  if (stall) truths.push(stall);
  if (sidecar === 'dead') deaths++;
  if (sidecar) {
    away = sidecar === 'dead';
    awayMs = Date.now();
  }
});

const { url } = await said('ready');
const end = Date.now() + minutes * 60_000;
let over = false;

/** Counters and cumulative parts of histograms and summaries, by series. */
const highest = new Map();
const lowered = [];
const lost = [];
let scrapes = 0;
let completed = 0;
let stops = 0;

async function scrape() {
  const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(30_000) });
  for (const line of (await response.text()).split('\n')) {
    const [, series, value] = /^(\w+(?:_total|_bucket|_count|_sum)(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
    if (!series) continue;
    const before = highest.get(series) ?? 0;
    if (Number(value) < before) lowered.push(`${series} from ${before} to ${value}`);
    highest.set(series, Number(value));
  }
  completed = highest.get('watchdog_pool_tasks_completed_total{pool="images"}') ?? 0;
}

const ends = () =>
  readFileSync(journal, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .filter(({ type }) => type === 'end')
    .map(({ stall }) => stall);
/** The reports among them of one stall. */
const near = (reports, truth) =>
  reports.filter(({ startedAt }) => {
    const atMs = Date.parse(startedAt);
    return atMs > truth.turnBeganAt - SAME_START_MS && atMs < truth.startedAt + SAME_START_MS;
  });
const isLong = ({ workMs }) => workMs >= THRESHOLD_MS;

/** Waits for the last poll of the sidecar, which may have been killed a moment ago. */
async function lastPoll(tasks) {
  const until = Date.now() + PATIENCE_MS;
  while (Date.now() < until) {
    const answered = await scrape().then(
      () => true,
      () => false,
    );
    const reports = ends();
    const told = truths.filter(isLong).every((truth) => near(reports, truth).length > 0);
    if (answered && completed >= tasks && told) return reports;
    await sleep(SCRAPE_EVERY_MS);
  }
  return ends();
}

async function scrapeOnAndOn() {
  while (!over) {
    const from = Date.now();
    scrapes++;
    await scrape().catch((error) => {
      // It was away when this began, or fell meanwhile.
      if (from - awayMs > RESPAWN_MS)
        lost.push(`${new Date(from).toISOString()} ${error.cause?.code ?? error.message}`);
    });
    await sleep(SCRAPE_EVERY_MS);
  }
}

async function killNowAndThen() {
  for (let kills = 1; ; kills++) {
    const waitMs = 4000 + 8000 * random() + (kills % KILLS_IN_A_ROW === 0 ? HEALTHY_MS : 0);
    if (Date.now() + waitMs > end) return;
    await sleep(waitMs);
    awayMs = Date.now();
    app.send({ kill: WAYS[Math.floor(random() * WAYS.length)] });
  }
}

async function stopNowAndThen() {
  while (Date.now() < end) {
    await sleep(3000 + 9000 * random());
    stops++;
    app.kill('SIGSTOP');
    await sleep(100 + 1000 * random());
    app.kill('SIGCONT');
  }
}

let visits = 0;
/** They pipeline scrapes and never read. */
async function haveStrangersNowAndThen() {
  while (Date.now() < end) {
    await sleep(2000 + 8000 * random());
    const strangers = startStrangers(url, STRANGERS);
    await sleep(1000 + 5000 * random());
    visits += strangers.connected;
    strangers.stop();
  }
}

const samples = [];
async function sampleMemory() {
  while (Date.now() < end) {
    await sleep(1000);
    if (away) continue;
    const status = readFileSync(`/proc/${app.pid}/status`, 'utf8');
    samples.push({
      mib: Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024,
      descriptors: readdirSync(`/proc/${app.pid}/fd`).length,
    });
  }
}

console.log(`Soaking for ${minutes} min, seed ${seed}, Node ${process.version}`);
const scraping = scrapeOnAndOn();
await Promise.all([killNowAndThen(), stopNowAndThen(), sampleMemory(), haveStrangersNowAndThen()]);
const stopped = said('stopped');
app.send({ stop: true });
const { tasks } = await stopped;
const reports = await lastPoll(tasks);
over = true;
await scraping;
app.kill('SIGKILL');

rmSync(home, { recursive: true });

const ids = new Set(reports.map(({ id }) => id));
const tolerance = (ms) => Math.max(TOLERANCE_MS, TOLERANCE * ms);
const long = truths.filter(isLong);
const wrong = [];
let worstMs = 0;
for (const truth of long) {
  const own = near(reports, truth);
  const [report] = own;
  if (own.length !== 1) {
    wrong.push(`${JSON.stringify(truth)} was journalled ${own.length} times`);
    continue;
  }
  // Shorter than the work, or longer than the whole turn.
  const offMs = Math.max(0, truth.workMs - report.durationMs, report.durationMs - truth.turnMs);
  worstMs = Math.max(worstMs, offMs);
  if (offMs > tolerance(truth.workMs))
    wrong.push(`${JSON.stringify(truth)} was journalled as ${report.durationMs} ms`);
}
const part = (from, to) => samples.slice(Math.floor(from * samples.length), Math.ceil(to * samples.length));
const growth = (of) => Math.min(...part(0.75, 1).map(of)) - Math.max(...part(0.1, 0.4).map(of));
const mib = growth((sample) => sample.mib);
const descriptors = growth((sample) => sample.descriptors);
const range = (of) =>
  `${Math.min(...samples.map(of)).toFixed(0)} to ${Math.max(...samples.map(of)).toFixed(0)}`;

const faults = [
  ...wrong,
  ...(ids.size === reports.length ? [] : [`${reports.length - ids.size} stalls are in the journal twice`]),
  ...(long.length === 0 ? ['there was no stall'] : []),
  ...lowered.map((text) => `lower than before: ${text}`),
  ...lost.map((text) => `scrape lost: ${text}`),
  ...(mib > NOISE_MIB ? [`memory grew by ${mib.toFixed(0)} MiB`] : []),
  ...(descriptors > NOISE_DESCRIPTORS ? [`${descriptors} descriptors more`] : []),
  ...(completed === tasks ? [] : [`the pool finished ${tasks} tasks, the counter says ${completed}`]),
];
console.log(
  `  stalls        ${truths.length}, of which ${long.length} over ${THRESHOLD_MS} ms; journalled ` +
    `${reports.length} with those ` +
    `of the stops; the worst length is off by ${worstMs.toFixed(2)} ms\n` +
    `  faults        ${deaths} deaths of the sidecar, ${stops} stops of the process, ${visits} visits of ` +
    `strangers\n` +
    `  scrapes       ${scrapes}, ${highest.size} counters, ${lowered.length} ever lower, ${lost.length} ` +
    `scrapes lost\n` +
    `  pool          ${tasks} tasks, counted ${completed}\n` +
    `  memory        ${range((sample) => sample.mib)} MiB, descriptors ` +
    `${range((sample) => sample.descriptors)}`,
);
for (const fault of faults.slice(0, 20)) console.log(`  WRONG: ${fault}`);
console.log(faults.length === 0 ? '  all counts are right' : `  ${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);
