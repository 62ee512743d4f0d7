// Other people's tests: where they are, what they need, and how to run them so that each tells its name.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tests } from './tests.mjs';

const files = (folder, pattern) =>
  readdirSync(folder, { encoding: 'utf8', recursive: true })
    .filter((file) => pattern.test(file) && !file.includes('node_modules'))
    .sort()
    .map((file) => join(folder, file));

/** Those of Node.js that concern what we touch: threads, streams of the process, its end, timers. */
const OF_NODE =
  /^test-(worker|stdio|std(in|out|err)|stream-base-no-abort|process-(exit|beforeexit|emit|warning)|timers|immediate|beforeexit|child-process-exit|cluster-worker-(exit|disconnect)|cluster-basic)/;

/**
 * `url` is where it is cloned from; `prepare` is run once, in the checkout. `run` returns which test came to
 * what, under such an environment.
 */
export const SUITES = {
  piscina: {
    url: 'https://github.com/piscinajs/piscina.git',
    prepare: ['npm install --ignore-scripts --no-audit --no-fund --loglevel error', 'npm run build'],
    preload: 'pools',
    run: (cwd, env) => {
      const ts = existsSync(join(cwd, 'node_modules/ts-node'));
      const flags = ts ? ['--require', 'ts-node/register'] : ['--import', 'tsx'];
      const each = files(join(cwd, 'test'), /^[^/]*\.ts$/);
      return tests.ofEach(each, (file) =>
        tests.tap(cwd, { ...env, TS_NODE_TRANSPILE_ONLY: 'true' }, [...flags, file]),
      );
    },
  },
  express: {
    url: 'https://github.com/expressjs/express.git',
    prepare: ['npm install --ignore-scripts --no-audit --no-fund --loglevel error'],
    run: (cwd, env) =>
      tests.mocha(cwd, env, ['--require', 'test/support/env', '--check-leaks', 'test/', 'test/acceptance/']),
  },
  'prom-client': {
    url: 'https://github.com/siimon/prom-client.git',
    prepare: ['npm install --ignore-scripts --no-audit --no-fund --loglevel error'],
    run: (cwd, env) => tests.jest(cwd, env),
  },
  pino: {
    url: 'https://github.com/pinojs/pino.git',
    prepare: ['npm install --ignore-scripts --no-audit --no-fund --loglevel error', 'npm run transpile'],
    run: (cwd, env) => {
      const each = files(
        join(cwd, 'test'),
        /^[^/]*\.test\.m?js$|^(transport|internals|esm)\/.*\.test\.m?js$/,
      );
      return tests.ofEach(each, (file) => tests.tap(cwd, env, ['--test-reporter=tap', file]));
    },
  },
  node: {
    url: 'https://github.com/nodejs/node.git',
    prepare: [],
    run: (cwd, env, only = OF_NODE) => {
      const folder = join(cwd, 'test/parallel');
      const names = readdirSync(folder).filter((name) => only.test(name) && /\.m?js$/.test(name));
      return tests.ofEach(
        names.sort().map((name) => join(folder, name)),
        (file) => tests.exit(cwd, env, [...flagsOf(file), file]),
      );
    },
    /** Runs those again. */
    again: (names) => new RegExp(`^(${names.map((name) => name.replaceAll('.', '\\.')).join('|')})$`),
  },
};

/** The flags that a test of Node.js asks for. */
function flagsOf(file) {
  const [, flags] = /^\/\/ Flags: (.*)$/m.exec(readFileSync(file, 'utf8')) ?? [];
  return flags?.trim().split(/\s+/) ?? [];
}
