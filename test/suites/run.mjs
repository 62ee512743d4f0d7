// Other people's test suites, without and with the watchdog: which tests fail only with it?
//
//   npm run build && node test/suites/run.mjs ~/checkouts            # those that are there
//   npm run build && node test/suites/run.mjs ~/checkouts express    # this one; cloned if it is not there
//
// The folder has the checkouts: piscina, express, prom-client, pino, node. Each is installed, then run three
// times: without, with, and, where one fails only with it, both ways again, to tell what fails now and then.
// Not for CI: it takes long, and other people's tests have moods.
import { execSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SUITES } from './suites.mjs';

const [folder, ...named] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node test/suites/run.mjs <folder of checkouts> [suite...]');
const unknown = named.filter((name) => !(name in SUITES));
if (unknown.length > 0) throw new Error(`no suite ${unknown}; there are ${Object.keys(SUITES)}`);

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const PRELOADS = {
  register: `--require ${at('../../dist/register.cjs')}`,
  pools: `--require ${at('watch-pools.cjs')}`,
};

/** What is run, besides the test, in its process. */
const WITHOUT = { NODE_OPTIONS: '' };
const EMPTY = { NODE_OPTIONS: '--require path' };
const watched = ({ preload = 'register' }) => ({
  NODE_OPTIONS: PRELOADS[preload],
  WATCHDOG_PORT: '0',
  WATCHDOG_LOG: 'false',
});

/** What no watchdog can hide from a test, by what stands in it. */
const KNOWN = [
  [/async_hooks|createHook|getActiveResourcesInfo|_getActive|executionAsyncId/, 'it counts async resources'],
  [/threadId|\[worker \d/, "it counts threads, and the sidecar's is one"],
  [/setImmediate\(.*(\)\.unref\(\)|ref: false)/, "the loop goes round once more, and what is unref'd runs"],
  [/EBADF/, "it counts on a closed file's number, which the sidecar may have got"],
];

let bad = 0;
for (const name of named.length > 0 ? named : Object.keys(SUITES)) {
  const cwd = resolve(folder, name);
  if (named.length === 0 && !existsSync(cwd)) continue;
  bad += suite(name, SUITES[name], cwd);
}
process.exitCode = bad > 0 ? 1 : 0;

/** @returns how many tests fail only with the watchdog, and for no known reason */
function suite(name, { url, prepare, run, again, ...rest }, cwd) {
  if (!existsSync(cwd)) {
    mkdirSync(folder, { recursive: true });
    execSync(`git clone --depth 1 ${url} ${JSON.stringify(cwd)}`, { stdio: 'inherit' });
  }
  for (const command of prepare) execSync(command, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
  const env = watched(rest);
  const without = run(cwd, WITHOUT);
  const withIt = run(cwd, env);
  console.log(`${name}: ${passed(without)} without, ${passed(withIt)} with the watchdog`);
  const suspects = onlyIn(failed(withIt), failed(without));
  const missing = onlyIn([...without.keys()], [...withIt.keys()]);
  if (suspects.length === 0 && missing.length === 0) return 0;

  console.log(`  to be looked at again: ${[...suspects, ...missing].join(', ')}`);
  const only = again?.(suspects);
  const moods = new Set([
    ...failed(run(cwd, WITHOUT, only)),
    ...onlyIn(suspects, failed(run(cwd, env, only))),
  ]);
  const preloaded = new Set(failed(run(cwd, EMPTY, only)));
  let count = 0;
  for (const test of [...suspects, ...missing]) {
    const reason = reasonOf(test, cwd, moods, preloaded);
    if (reason === undefined) count += 1;
    console.log(`  ${test}: ${reason ?? 'ONLY WITH IT'}`);
  }
  return count;
}

function reasonOf(test, cwd, moods, preloaded) {
  if (moods.has(test)) return 'now and then, or not always with it';
  if (preloaded.has(test)) return 'also with a --require of nothing';
  const [file] = test.split(' › ');
  const path = [`test/${file}`, `test/parallel/${file}`].map((one) => join(cwd, one)).find(existsSync);
  const text = path === undefined ? '' : readFileSync(path, 'utf8');
  return KNOWN.find(([pattern]) => pattern.test(text))?.[1];
}

function failed(results) {
  return [...results].filter(([, ok]) => !ok).map(([name]) => name);
}
function passed(results) {
  return `${results.size - failed(results).length} of ${results.size} pass`;
}
function onlyIn(these, those) {
  const known = new Set(those);
  return these.filter((name) => !known.has(name));
}
