// The demo: freezes an app in several ways and scrapes it all the while, on the app's own port and on the watchdog's.
//
//   npm run demo                # about 20 seconds; exit code 0 if the watchdog answered every scrape
//   npm run demo -- --keep      # serves on after that, and freezes the app again each 30 seconds
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { launchApp } from './launch.mjs';
import { dumpThreads, readValues, scrape } from './scrape.mjs';
import { createScreen } from './screen.mjs';
import { createTally } from './tally.mjs';
import { liveLines, plainLine, summaryLines } from './view.mjs';

const SCRAPE_EVERY_MS = 250;
/** Between freezes: time for the app to catch up, and for the watchdog's story of the stall to arrive. */
const CALM_MS = 1200;
/** From freeze to freeze: the watchdog looks into one stall in five seconds. */
const APART_MS = 5500;
const KEEP_CALM_MS = 30_000;
/** Into the last freeze: what the threads do then is what the demo ends with. */
const DUMP_AFTER_MS = 1500;

const { keep } = parseArgs({ options: { keep: { type: 'boolean', default: false } } }).values;
const screen = createScreen(process.stdout);
const app = launchApp();
const { appUrl, sidecarUrl, freezes } = await app.ready;
const urls = { app: appUrl, sidecar: sidecarUrl };
const tally = createTally();
/** What the view shows. */
const state = {
  startedAt: Date.now(),
  urls,
  freezes,
  tally,
  results: [],
  values: readValues(''),
  freeze: undefined,
  next: undefined,
};

let ended = false;
const exitCode = () => (tally.totals.sidecar === tally.totals.rounds ? 0 : 1);
for (const [signal, number] of Object.entries({ SIGHUP: 1, SIGINT: 2, SIGTERM: 15 })) {
  // An exit of our own takes the app along; ended by the signal we could not.
  process.once(signal, () => process.exit(ended ? exitCode() : 128 + number));
}

screen.print([`  app      ${urls.app}`, `  sidecar  ${urls.sidecar}`]);
await scrapeBoth();
const scraping = setInterval(scrapeBoth, SCRAPE_EVERY_MS);
const drawing = setInterval(draw, screen.live ? 100 : 1000);

for (const one of freezes) {
  await setTimeout(CALM_MS);
  await freeze(one);
}
ended = true;
screen.print(summaryLines(state, screen.paint));
if (keep) await goOn();
clearInterval(scraping);
clearInterval(drawing);
app.stop();
process.exitCode = exitCode();

/** Each answer is shown when it comes; the sidecar's does not wait for the app's timeout. */
async function scrapeBoth() {
  const round = tally.begin();
  const scrapeOne = async (which) => {
    round[which] = await scrape(urls[which]);
    state[which] = round[which];
    if (which === 'app' || round.sidecar.text === undefined) return;
    round.values = readValues(round.sidecar.text);
    state.values = round.values;
  };
  await Promise.all([scrapeOne('app'), scrapeOne('sidecar')]);
  tally.end(round);
}

function draw() {
  const now = Date.now();
  if (screen.live) screen.draw(liveLines(state, screen.paint, now));
  else screen.print([plainLine(state, now)]);
}

async function freeze({ name, how }) {
  const number = freezes.findIndex((one) => one.name === name) + 1;
  const starvedBefore = state.values.poolStarvedSeconds;
  tally.forget();
  state.freeze = { name, how, number };
  const span = await app.freeze(name, () => {
    state.freeze = { name, how, number, startedAt: Date.now() };
    if (number === freezes.length && !ended) void dump();
  });
  state.freeze = undefined;
  await setTimeout(Math.max(CALM_MS, APART_MS - CALM_MS - (span.endedAt - span.startedAt)));
  const starvedSeconds = state.values.poolStarvedSeconds - starvedBefore;
  const result = { name, how, ...span, stall: app.stallOf(span), starvedSeconds, ...tally.within(span) };
  state.results = [...state.results, result].slice(-freezes.length);
}

async function dump() {
  await setTimeout(DUMP_AFTER_MS);
  state.dump = await dumpThreads(urls.sidecar);
}

/** Until somebody ends it. */
async function goOn() {
  screen.print([`  Ctrl-C ends this. Until then: curl ${urls.sidecar}`]);
  for (let n = 0; ; n++) {
    state.next = Date.now() + KEEP_CALM_MS;
    await setTimeout(KEEP_CALM_MS);
    state.next = undefined;
    await freeze(freezes[n % freezes.length]);
  }
}
