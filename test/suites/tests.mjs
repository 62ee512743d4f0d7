// Runs tests in a process of their own and tells what came of each: a map from its name to whether it passed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const FILE_TIMEOUT_MS = 120_000;

function run(cwd, env, args, timeout = FILE_TIMEOUT_MS) {
  const options = { cwd, env: { ...process.env, ...env }, encoding: 'utf8', timeout, maxBuffer: 1 << 28 };
  // A group of its own: what it has started ends with it.
  const done = spawnSync(process.execPath, args, { ...options, killSignal: 'SIGKILL', detached: true });
  try {
    process.kill(-done.pid, 'SIGKILL');
  } catch {
    // All have ended.
  }
  return done;
}

/** A name that is there twice gets a number. */
function add(results, name, passed) {
  let unique = name;
  for (let i = 2; results.has(unique); i++) unique = `${name} (${i})`;
  results.set(unique, passed);
}

/** A report that a runner writes to a file. */
function report(work) {
  const folder = mkdtempSync(join(tmpdir(), 'watchdog-suite-'));
  const file = join(folder, 'report.json');
  try {
    const { stderr } = work(file);
    try {
      return JSON.parse(readFileSync(file, 'utf8'));
    } catch (error) {
      throw new Error(`no report:\n${stderr.slice(-2000)}`, { cause: error });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const tests = {
  /** The tests of several files, each under its file's name. */
  ofEach(files, of) {
    const results = new Map();
    for (const file of files) {
      for (const [name, passed] of of(file)) {
        add(results, [basename(file), name].filter(Boolean).join(' › '), passed);
      }
    }
    return results;
  },

  mocha(cwd, env, args) {
    const mocha = join(cwd, 'node_modules/mocha/bin/mocha.js');
    const { tests: all, failures } = report((file) =>
      run(cwd, env, [mocha, '--reporter', 'json', '--reporter-option', `output=${file}`, ...args], 600_000),
    );
    const failed = new Set(failures.map(({ fullTitle }) => fullTitle));
    const results = new Map();
    for (const { fullTitle } of all) add(results, fullTitle, !failed.has(fullTitle));
    return results;
  },

  jest(cwd, env) {
    const jest = join(cwd, 'node_modules/jest/bin/jest.js');
    const { testResults } = report((file) =>
      run(cwd, env, [jest, '--silent', '--json', `--outputFile=${file}`], 600_000),
    );
    const results = new Map();
    for (const { name: file, assertionResults, status } of testResults) {
      // One that could not be loaded has no tests.
      if (assertionResults.length === 0) add(results, basename(file), status === 'passed');
      for (const { fullName, status: of } of assertionResults) {
        add(results, `${basename(file)} › ${fullName}`, of !== 'failed');
      }
    }
    return results;
  },

  /** Of the Test Anything Protocol each line of the outermost level that says ok or not, and the process' end. */
  tap(cwd, env, args) {
    const { stdout, status } = run(cwd, env, args);
    const results = new Map();
    for (const [, not, name] of stdout.matchAll(/^(not )?ok \d+(?: - (.*?))?(?: # .*)?(?: \{)?$/gm)) {
      add(results, name ?? '', not === undefined);
    }
    add(results, 'exit', status === 0);
    return results;
  },

  exit: (cwd, env, args) => new Map([['', run(cwd, env, args, 30_000).status === 0]]),
};
