// Scrapes at 10 Hz through freezes of 10 s, each kind once: the sidecar's port against what the same app serves of
// itself by each peer. Budget: the sidecar loses none.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { FREEZES } from './kit/freezes.mjs';
import { installPeers } from './kit/peers.mjs';
import { keep, printTable, quantile } from './kit/results.mjs';
import { OURS } from './kit/variants.mjs';

const FREEZE_MS = 10_000;
const EVERY_MS = 100;
/** As long as a scraper of that pace can wait. */
const ANSWER_WITHIN_MS = 1000;

async function ask(url) {
  const from = performance.now();
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    await response.text();
    return response.ok ? performance.now() - from : undefined;
  } catch {
    return undefined;
  }
}

installPeers();
const child = fork(fileURLToPath(new URL('survival.child.mjs', import.meta.url)));
const [urls] = await once(child, 'message');
await Promise.all(Object.values(urls).map(ask));

/** What each answers while main is frozen in this way. */
async function freeze(kind) {
  child.send({ kind, ms: FREEZE_MS });
  await once(child, 'message');
  // It freezes now. What is asked before its end counts.
  const until = performance.now() + FREEZE_MS - ANSWER_WITHIN_MS;
  const over = once(child, 'message');
  const answers = Object.fromEntries(Object.keys(urls).map((name) => [name, []]));
  while (performance.now() < until) {
    for (const [name, url] of Object.entries(urls)) answers[name].push(ask(url));
    await sleep(EVERY_MS);
  }
  const settled = await Promise.all(Object.values(answers).map((asked) => Promise.all(asked)));
  await over;
  return Object.keys(urls).map((name, i) => {
    const times = settled[i].filter((ms) => ms !== undefined);
    return {
      freeze: kind,
      name,
      asked: settled[i].length,
      answered: times.length,
      p99Ms: times.length > 0 ? quantile(times, 0.99) : null,
    };
  });
}

const figures = [];
for (const kind of Object.keys(FREEZES)) figures.push(...(await freeze(kind)));
child.kill('SIGKILL');
printTable(
  `Scrapes answered while the app is frozen for ${FREEZE_MS / 1000} s (p99; Node ${process.version})`,
  ['', ...Object.keys(urls)],
  Object.keys(FREEZES).map((kind) => [
    kind,
    ...figures
      .filter((row) => row.freeze === kind)
      .map(({ asked, answered, p99Ms }) => `${answered}/${asked}${p99Ms ? ` ${p99Ms.toFixed(0)} ms` : ''}`),
  ]),
);
keep('survival', figures);
const lost = figures
  .filter(({ name }) => name === OURS)
  .reduce((sum, row) => sum + row.asked - row.answered, 0);
console.log(`  budget: the sidecar loses none: ${lost === 0 ? 'kept' : `EXCEEDED, ${lost} lost`}`);
