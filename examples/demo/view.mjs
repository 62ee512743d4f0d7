// What the demo says, as lines of text. `paint(style, text)` colours, or leaves the text as it is.
import { TIMEOUT_MS } from './scrape.mjs';

const LAG_BAR_MAX = 40;
const LAG_BAR_PER_SECOND = 10;

/** The picture that is drawn again and again on a terminal. */
export function liveLines(state, paint, now) {
  return [
    '',
    `  ${paint('bold', 'event-loop-watchdog demo')}   ${headline(state, paint, now)}`,
    '',
    ...endpointLines(state, paint, now),
    '',
    ...loopLines(state, paint),
    '',
    ...resultLines(state.results, paint),
  ];
}

/** The same in one line, for where nothing can be drawn. */
export function plainLine(state, now) {
  const { lagSeconds, stalledSeconds } = state.values;
  const { name, startedAt } = state.freeze ?? {};
  const what = startedAt === undefined ? 'the app runs' : `${name}: frozen for ${inSeconds(now - startedAt)}`;
  return [
    `${inSeconds(now - state.startedAt).padStart(8)}`,
    what.padEnd(33),
    `app ${answerOf(state.app).padStart(14)}`,
    `sidecar ${answerOf(state.sidecar).padStart(8)}`,
    `lag ${lagSeconds.toFixed(2)} s`,
    `stalled ${stalledSeconds.toFixed(2)} s`,
    `pool ${poolOf(state.values)}`,
  ].join('  ');
}

export function summaryLines(state, paint) {
  const { results, tally } = state;
  const { rounds, app, sidecar, slowestMs } = tally.totals;
  const sum = (field) => results.reduce((total, result) => total + result[field], 0);
  const verdict = sidecar === rounds ? 'green' : 'red';
  return [
    '',
    ...resultLines(results, paint),
    '',
    `  While the app was frozen its own metrics answered ${sum('app')} of ${sum('rounds')} scrapes, ` +
      paint(verdict, `the sidecar ${sum('sidecar')} of ${sum('rounds')}.`),
    `  In the whole demo: the app ${app} of ${rounds}, the sidecar ${sidecar} of ${rounds}, the slowest in ${inMs(slowestMs)}.`,
    '',
    ...dumpLines(state, paint),
  ];
}

/** What all threads were at in the midst of the last freeze. */
function dumpLines({ dump, urls }, paint) {
  if (!dump) return [];
  const command = `curl -X POST '${urls.sidecar.replace('/metrics', '/debug/threads?format=text')}'`;
  const lines = dump.trimEnd().split('\n');
  return [
    `  The last freeze from within: ${paint('bold', command)}`,
    '',
    ...lines.map((line) => `    ${line}`),
    '',
  ];
}

function headline({ freeze, freezes, next }, paint, now) {
  if (freeze?.startedAt !== undefined) {
    const { name, how, number, startedAt } = freeze;
    const which = `freeze ${number} of ${freezes.length}: ${name} (${how})`;
    return `${which}, ${paint('red', `frozen for ${inSeconds(now - startedAt)}`)}`;
  }
  if (freeze) return `${freeze.name} is about to freeze the app (${freeze.how})`;
  return next ? `next freeze in ${Math.ceil((next - now) / 1000)} s` : 'the app runs';
}

function endpointLines({ app, sidecar, urls, freeze, tally }, paint, now) {
  const frozen = freeze?.startedAt !== undefined;
  const count = frozen ? tally.within({ startedAt: freeze.startedAt, endedAt: now }) : undefined;
  const row = (whose, url, scrape, answered) => [
    { text: whose },
    { text: url, style: 'dim' },
    { text: answerOf(scrape).padStart(14), style: scrape.text === undefined ? 'red' : 'green', right: true },
    { text: count ? `${answered} of ${count.rounds}` : '', right: true },
  ];
  return table(
    [
      headings('metrics of', 'scraped at', '>answer', '>in this freeze'),
      row('the app itself', urls.app, app, count?.app),
      row('the sidecar', urls.sidecar, sidecar, count?.sidecar),
    ],
    paint,
  );
}

function loopLines({ values }, paint) {
  const { lagSeconds, stalledSeconds } = values;
  const bar = '█'.repeat(Math.min(LAG_BAR_MAX, Math.round(lagSeconds * LAG_BAR_PER_SECOND)));
  return [
    `  event loop   ${lagSeconds.toFixed(2)} s late ${paint('red', bar)}`,
    `               ${stalledSeconds.toFixed(2)} s stalled in all`,
    `  worker pool  ${poolOf(values)}`,
  ];
}

/** The freezes that are over, one line each; under it the line of code that is to blame, where that is known. */
function resultLines(results, paint) {
  if (results.length === 0) return [];
  const rows = results.map((result) => [
    { text: result.name },
    { text: result.how },
    { text: inSeconds(result.endedAt - result.startedAt), right: true },
    { text: result.stall?.cause ?? '-' },
    { text: `${result.app} of ${result.rounds}`, right: true },
    { text: `${result.sidecar} of ${result.rounds}`, right: true },
    { text: inMs(result.slowestMs), right: true },
    { text: `${result.lagSeconds.toFixed(2)} s`, right: true },
    { text: `${result.starvedSeconds.toFixed(2)} s`, right: true },
  ]);
  const head = headings(
    'freeze',
    'how',
    '>lasted',
    'cause',
    '>app',
    '>sidecar',
    '>slowest',
    '>lag up to',
    '>starved',
  );
  const [first, ...lines] = table([head, ...rows], paint);
  return [first, ...lines.flatMap((line, n) => [line, ...culpritLines(results[n].stall, paint)])];
}

function culpritLines(stall, paint) {
  if (stall?.culprit === undefined) return [];
  const { function: name, file, line, code } = stall.culprit;
  const [asked] = stall.requests ?? [];
  const where = `${name} ${file.slice(file.lastIndexOf('/') + 1)}:${line}  ${code ?? ''}`;
  return [`    ${paint('dim', where)}`, ...(asked ? [`    ${paint('dim', `for ${asked.context}`)}`] : [])];
}

function poolOf({ poolActive, poolCapacity, poolQueued, poolStarvedSeconds }) {
  return `${poolActive} of ${poolCapacity} busy, ${poolQueued} waiting, starved ${poolStarvedSeconds.toFixed(2)} s`;
}

function answerOf(scrape) {
  if (scrape.text !== undefined) return inMs(scrape.ms);
  return scrape.timedOut ? `none in ${TIMEOUT_MS} ms` : 'none';
}

/** Column headings; one that begins with > stands at the right of its column. */
function headings(...texts) {
  return texts.map((text) => ({ text: text.replace('>', ''), style: 'dim', right: text.startsWith('>') }));
}

/** Cells of the same width in each column; coloured only after they are padded. */
function table(rows, paint) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].text.length)));
  return rows.map((row) => {
    const cells = row.map(({ text, style, right }, column) => {
      const padded = right ? text.padStart(widths[column]) : text.padEnd(widths[column]);
      return style ? paint(style, padded) : padded;
    });
    return `  ${cells.join('  ')}`.trimEnd();
  });
}

const inSeconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
const inMs = (ms) => `${ms.toFixed(1)} ms`;
