// Writes the tables of README.md and observability/*.md from the kept figures, between markers such as
// `<!-- bench: cost -->` and `<!-- /bench -->`: `npm run bench:tables`. With `--check` it only says which differ.
import { readFileSync, writeFileSync } from 'node:fs';
import { RESULTS } from './results.mjs';

const ROOT = new URL('../../../', import.meta.url);
const FILES = ['README.md', 'observability/DELAY.md', 'observability/STALLS.md'];

/** Names of the benchmarks, as the tables have them. */
const SHOWN = {
  'event-loop-watchdog, native': 'event-loop-watchdog, native histogram',
  'event-loop-watchdog, classic': 'event-loop-watchdog, classic buckets',
  monitorEventLoopDelay: '`monitorEventLoopDelay(10)`, less 10 ms',
  'monitorEventLoopDelay (10 ms)': '`monitorEventLoopDelay(10)`',
  'prom-client': 'prom-client defaults',
  'prom-client default metrics': 'prom-client defaults',
  OpenTelemetry: 'OpenTelemetry, runtime-node',
  'OpenTelemetry runtime metrics': 'OpenTelemetry, runtime-node',
  'Sentry eventLoopBlock alone': 'Sentry, eventLoopBlock',
  'Sentry eventLoopBlock': 'Sentry, eventLoopBlock',
};
const shown = (name) => SHOWN[name] ?? name;
const read = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, RESULTS), 'utf8'));
const about = ({ node, machine, date }) => `Node.js ${node.slice(1)}, ${machine}, ${date}`;
const number = (value, digits = 3) =>
  value === null || value === undefined ? '–' : String(Number(value.toPrecision(digits)));

/** What a turn takes more; less than this is noise. */
const NOISE_NS = 50;
const more = (ns) => (ns < NOISE_NS ? `under ${NOISE_NS / 1000} µs` : `${number(ns / 1000, 2)} µs`);

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`.replace('|  |', '| |');
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/** Told and true of each that tells of the delay, or of all. */
function accuracy(names) {
  const { figures } = read('accuracy');
  const columns = ['mean', 'p50', 'p90', 'p99', 'stalls'];
  const cell = (told, truth) => (told === undefined ? '–' : `${number(told)} / ${number(truth)}`);
  const rows = figures.filter(({ name }) => names === undefined || names.includes(name));
  return table(
    ['', ...columns],
    rows.map(({ name, told, truth }) => [
      shown(name),
      ...columns.map((column) => cell(told[column], truth[column])),
    ]),
  );
}

function cost() {
  const [idle, turn, http, weight] = ['idle-cost', 'turn-cost', 'http-cost', 'weight'].map(read);
  const of = ({ figures }, name) => figures.find((row) => shown(row.name) === name) ?? {};
  const rows = turn.figures
    .map(({ name }) => shown(name))
    .filter((name) => name !== 'nothing' && name !== 'bare re-armed immediate')
    .map((name) => {
      const { cpuUsPerSecond, wakeupsPerSecond } = of(idle, name);
      const { throughputRatio } = of(
        { figures: http.figures.filter(({ connections }) => connections === 50) },
        name,
      );
      const { packages, installMib, rssMib } = of(weight, name);
      return [
        name,
        `${number(cpuUsPerSecond / 1000, 2)} ms, ${number(wakeupsPerSecond, 2)}`,
        more(of(turn, name).turnNs - of(turn, 'nothing').turnNs),
        number(throughputRatio),
        installMib === undefined ? '–' : `${packages}, ${number(installMib, 2)} MiB`,
        rssMib === undefined ? '–' : `${number(rssMib, 2)} MiB`,
      ];
    });
  const head = ['', 'idle', 'a turn', 'requests', 'packages', 'memory'];
  return `${table(head, rows)}\n\n${about(turn)}.`;
}

function detection() {
  const kept = read('detection');
  const ms = (value, most) => (value === null ? 'never' : `${number(value)} ms, ${number(most)} at most`);
  return `${table(
    ['', 'seen outside', 'with its stack'],
    kept.figures.map(({ name, visibleMs, visibleMostMs, stackMs, stackMostMs }) => [
      name,
      ms(visibleMs, visibleMostMs),
      ms(stackMs, stackMostMs),
    ]),
  )}\n\n${about(kept)}.`;
}

function survival() {
  const kept = read('survival');
  const names = [...new Set(kept.figures.map(({ name }) => name))];
  const kinds = [...new Set(kept.figures.map(({ freeze }) => freeze))];
  const cell = (freeze, name) => {
    const { answered, asked } = kept.figures.find((row) => row.freeze === freeze && row.name === name);
    return `${answered} of ${asked}`;
  };
  return `${table(
    ['frozen for 10 s by', ...names],
    kinds.map((freeze) => [freeze, ...names.map((name) => cell(freeze, name))]),
  )}\n\n${about(kept)}.`;
}

const TABLES = {
  accuracy: () =>
    accuracy([
      'event-loop-watchdog, native',
      'event-loop-watchdog, classic',
      'monitorEventLoopDelay',
      'prom-client',
    ]),
  'accuracy of all': () => accuracy(),
  cost,
  detection,
  survival,
};

const stale = [];
const without = new Set();

/** The table; as it was while there are no figures for it. */
function tableOf(name, asItWas) {
  try {
    return `${TABLES[name]()}\n`;
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    without.add(name);
    return asItWas;
  }
}

for (const file of FILES) {
  const path = new URL(file, ROOT);
  const before = readFileSync(path, 'utf8');
  const after = before.replace(
    /(<!-- bench: ([\w ]+) -->\n)([\s\S]*?)(<!-- \/bench -->)/g,
    (_all, begin, name, asItWas, end) => `${begin}${tableOf(name, asItWas)}${end}`,
  );
  if (after === before) continue;
  stale.push(file);
  if (!process.argv.includes('--check')) writeFileSync(path, after);
}
if (stale.length > 0) console.log(`${stale.join(', ')}: the tables are not what the figures say.`);
if (without.size > 0)
  console.log(`${[...without].join(', ')}: there are no figures; \`npm run bench\` makes them.`);
if (process.argv.includes('--check')) process.exitCode = stale.length > 0 ? 1 : 0;
