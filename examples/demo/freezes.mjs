// How requests freeze the demo's app: four mistakes that real services make.
import { execSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';

const FREEZE_MS = 3000;

/** Adds up a report row by row, and gives nobody else a turn until it is done. */
function computeReport() {
  const until = performance.now() + FREEZE_MS;
  let total = 0;
  for (let row = 1; performance.now() < until; row++) total += Math.sqrt(row);
  return total;
}

/** Each `.+` tries every place to end at, for each place that the others try: the time grows with the cube of the length. */
const FIRST_MIDDLE_LAST = /^(.+)\.(.+)\.(.+)@(.+)$/;

function validateEmail(address) {
  return FIRST_MIDDLE_LAST.test(address);
}

/** Runs a script and waits for its end, where nothing else can wait along. */
function runShellScript() {
  const seconds = FREEZE_MS / 1000;
  execSync(process.platform === 'win32' ? `ping -n ${seconds + 1} 127.0.0.1` : `sleep ${seconds}`);
}

const UPLOADS = randomBytes(2 ** 20);

/** Packs uploads with the synchronous form of zlib. */
function archiveUploads() {
  const until = performance.now() + FREEZE_MS;
  while (performance.now() < until) gzipSync(UPLOADS);
}

/** No address at all, but one that keeps `validateEmail` busy until its end. */
const addressOf = (dots) => 'a.'.repeat(dots);

/** An address that takes `validateEmail` about FREEZE_MS on this machine, by what shorter ones take. */
async function craftSlowAddress() {
  for (let dots = 100; ; dots = Math.round(dots * 1.25)) {
    const ms = await typicalTime(addressOf(dots));
    if (ms >= 20) return addressOf(Math.round(dots * Math.cbrt(FREEZE_MS / ms)));
  }
}

/** The median of nine: the first are slow, until V8 has compiled the expression, and others may be, on a busy machine. */
async function typicalTime(address) {
  const times = [];
  while (times.length < 9) {
    await setImmediate(); // One each turn: this is not yet the freeze.
    const startedAt = performance.now();
    validateEmail(address);
    times.push(performance.now() - startedAt);
  }
  return times.sort((one, other) => one - other)[4];
}

/** Gives the pool more than it can do, and waits until it is well under way: the freeze is to find a queue. */
async function floodPool(pool) {
  for (let n = 0; n < 60; n++) pool.run(n);
  await setTimeout(300);
}

/** `prepare` runs before the request comes; `freeze` gets what it returned. */
export const FREEZES = [
  { name: 'computeReport', how: 'hot loop', path: '/reports/2026', freeze: computeReport },
  {
    name: 'validateEmail',
    how: 'slow regex',
    path: '/signup',
    prepare: craftSlowAddress,
    freeze: validateEmail,
  },
  { name: 'runShellScript', how: 'execSync', path: '/deploy', freeze: runShellScript },
  {
    name: 'archiveUploads',
    how: 'gzip, pool full',
    path: '/uploads/archive',
    prepare: floodPool,
    freeze: archiveUploads,
  },
];
