// What the watchdog says of stalls whose cause is known, for each cause 20 real ones and several hundred of
// CPU in a row, on a quiet and on a busy machine.
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { keep } from './kit/results.mjs';

const CAUSES = ['cpu', 'gc', 'blocked', 'starved', 'suspended', 'unknown'];
const TRUTHS = {
  cpu: ['hot loop', 'catastrophic regex'],
  'cpu row': ['hot loop in a row'],
  gc: ['global.gc()'],
  blocked: ['execSync()', 'Atomics.wait()', 'fsyncSync()'],
  starved: ['contended CPU'],
  suspended: ['SIGSTOP'],
};
/** These two take next to no CPU time: neither is in the other's way. */
const TOGETHER = [['cpu'], ['cpu row'], ['gc'], ['blocked', 'suspended'], ['starved']];
const TIMES = 20;
const SHORTEST_MS = 250;
const LONGEST_MS = 1200;
/** Long enough for the watchdog to hear of the stall's collections. */
const REST_MS = [250, 450];
/** A row of stalls, each right after the one before: of these at most one in a hundred may be wrong. */
const ROW = { times: 300, shortestMs: 110, longestMs: 300, restMs: [0, 30], right: 0.99 };
/** Beside a busy process. */
const HOGS = 2;
/** On the one CPU of the starved process. */
const CONTENDERS = 6;
const CONTENDED_CPU = availableParallelism() - 1;
/** How long the word of a stall is waited for. */
const WORD_MS = 5000;

const CHILD = fileURLToPath(new URL('causes.child.mjs', import.meta.url));
const HOG = ['-e', 'for (;;);'];
const randomMs = (leastMs, mostMs) => leastMs + Math.random() * (mostMs - leastMs);

/** In the row a stall that was starved more or less is told as that, too: from two thirds on. */
const STARVED_FROM = 0.6;
const STARVED_UNTIL = 0.74;
function isRight({ truth, told, wait }) {
  if (truth !== 'cpu row') return told?.cause === truth;
  return told?.cause === 'starved' ? wait > STARVED_FROM : told?.cause === 'cpu' && wait < STARVED_UNTIL;
}

/** Runs `work` beside processes that want all the CPU time they can get. */
async function beside(count, pinnedTo, work) {
  const pin = pinnedTo === undefined ? [] : ['taskset', '-c', String(pinnedTo)];
  const hogs = Array.from({ length: count }, () => {
    const [command, ...args] = [...pin, process.execPath, ...HOG];
    return spawn(command, args, { stdio: 'ignore' });
  });
  try {
    return await work();
  } finally {
    for (const hog of hogs) hog.kill('SIGKILL');
  }
}

/** A process that stalls for one cause; resolves with what was done and what was said. */
async function observe(truth) {
  const {
    times = TIMES,
    shortestMs = SHORTEST_MS,
    longestMs = LONGEST_MS,
    restMs = REST_MS,
  } = truth === 'cpu row' ? ROW : {};
  const lengths = Array.from({ length: times }, () => randomMs(shortestMs, longestMs));
  const pinned = truth === 'starved';
  const args = [TRUTHS[truth], lengths, restMs].map((one) => JSON.stringify(one));
  const child = pinned
    ? spawn('taskset', ['-c', String(CONTENDED_CPU), process.execPath, CHILD, ...args], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      })
    : fork(CHILD, args, { execArgv: ['--expose-gc'] });
  const deeds = [];
  let stalls = [];
  child.on('message', ({ begun, deed, stall }) => {
    if (begun) stalls = [];
    if (deed) deeds.push(deed);
    if (stall) stalls.push(stall);
  });
  await new Promise((resolve) => {
    child.on('message', ({ done }) => done && resolve());
  });
  if (truth === 'suspended') deeds.push(...(await stopAndGo(child, lengths)));
  // The last word may still be on its way.
  const deadline = Date.now() + WORD_MS;
  const valid = deeds.filter(({ inVain }) => !inVain);
  while (Date.now() < deadline && valid.some((deed) => !wordOn(deed, stalls))) await sleep(50);
  child.send('exit');
  await once(child, 'exit');
  return deeds.map((deed) => ({ ...deed, truth, told: wordOn(deed, stalls) }));
}

async function stopAndGo(child, lengths) {
  const deeds = [];
  for (const ms of lengths) {
    await sleep(300 + 200 * Math.random());
    const fromMs = Date.now();
    child.kill('SIGSTOP');
    await sleep(ms);
    child.kill('SIGCONT');
    deeds.push({ way: 'SIGSTOP', fromMs, toMs: Date.now() });
  }
  return deeds;
}

/** The stall that covers most of this deed, if it covers half of it. */
function wordOn({ fromMs, toMs }, stalls) {
  const covered = ({ startedAt, durationMs }) => {
    const startMs = Date.parse(startedAt);
    return Math.min(toMs, startMs + durationMs) - Math.max(fromMs, startMs);
  };
  const [best] = stalls.toSorted((a, b) => covered(b) - covered(a));
  return best && covered(best) > (toMs - fromMs) / 2 ? best : undefined;
}

async function observeAll() {
  const rounds = [];
  for (const truths of TOGETHER) {
    const round = () => Promise.all(truths.map(observe));
    rounds.push(truths.includes('starved') ? await beside(CONTENDERS, CONTENDED_CPU, round) : await round());
  }
  return rounds.flat(2);
}

function print(title, cases) {
  const row = (cells) => `  ${cells.map((cell, n) => String(cell)[n ? 'padStart' : 'padEnd'](8)).join('')}`;
  console.log(title);
  console.log(row(['', ...CAUSES, 'none', 'right', 'in vain']));
  for (const truth of Object.keys(TRUTHS)) {
    const valid = cases.filter((one) => one.truth === truth && !one.inVain);
    const told = (cause) => valid.filter((one) => (one.told?.cause ?? 'none') === cause).length;
    const right = `${((100 * valid.filter(isRight).length) / valid.length).toFixed(1)} %`;
    const inVain = cases.filter((one) => one.truth === truth && one.inVain).length;
    console.log(
      row([truth, ...[...CAUSES, 'none'].map((cause) => told(cause) || '.'), right, inVain || '.']),
    );
  }
  for (const one of cases) {
    const { way, fromMs, toMs, told, inVain } = one;
    if (isRight(one) || inVain) continue;
    const parts = ['cpu', 'runQueue', 'sleep', 'gc', 'suspended'].map(
      (part) => `${part} ${told?.[`${part}Ms`]?.toFixed(0)}`,
    );
    const length = `${(toMs - fromMs).toFixed(0)} ms, told ${told?.durationMs.toFixed(0)} ms`;
    console.log(`  wrong: ${way} (${length}) taken for ${told?.cause}: ${parts.join(', ')}`);
  }
}

/** Whether the watchdog was right often enough on each cause. */
function good(cases) {
  return Object.keys(TRUTHS).every((truth) => {
    const valid = cases.filter((one) => one.truth === truth && !one.inVain);
    const wrong = valid.filter((one) => !isRight(one)).length;
    if (truth === 'cpu row') return valid.length > 0 && wrong <= (1 - ROW.right) * valid.length;
    return valid.length === TIMES && wrong === 0;
  });
}

console.log(
  `What stalls of ${SHORTEST_MS} to ${LONGEST_MS} ms (in the row ${ROW.shortestMs} to ${ROW.longestMs}) ` +
    `were (down) and what was told (across), Node ${process.version}`,
);
const quiet = await observeAll();
print('Quiet:', quiet);
const busy = await beside(HOGS, undefined, observeAll);
print(`Beside ${HOGS} processes that take all the CPU time they can get:`, busy);
console.log(
  '  in vain: the machine made something else of it, for instance gave a hot loop less than half a CPU',
);
console.log(
  `  all ${TIMES} right for each cause, and 99 % of the row: ${good(quiet) && good(busy) ? 'OK' : 'NOT OK'}`,
);
const share = (cases) => {
  const valid = cases.filter((one) => !one.inVain);
  return { stalls: valid.length, right: valid.filter(isRight).length };
};
keep('causes', { quiet: share(quiet), busy: share(busy) });
