// What installs, starts, packs or tests an app.
import { APP, APP_CJS, FREEZE_CJS, FREEZE_JS, FREEZE_TS, type Project, type Way } from './project.js';

const FILES: Project['files'] = { 'app.cjs': APP_CJS, 'freeze.cjs': FREEZE_CJS };

/** An app that knows nothing of the watchdog. */
const UNAWARE = APP_CJS.replace(/.*event-loop-watchdog.*\n/, '').replace(/.*startWatchdog.*\n/, '');

/** An ecosystem file of pm2's, in which alone the variables of the watchdog are. */
const ecosystem = (app: object): string => `module.exports = {
  apps: [{
    name: 'app',
    script: 'app.cjs',
    node_args: '--import event-loop-watchdog/register',
    env: { PORT: process.env.PORT, WATCHDOG_PORT: process.env.FIRST_PORT, WATCHDOG_PER_PROCESS: 'true' },
    ...${JSON.stringify(app)},
  }],
};
`;

const pm2 = (name: string, app: object, processes: number): Way => ({
  name,
  files: { 'ecosystem.config.cjs': ecosystem(app) },
  start: 'FIRST_PORT=$WATCHDOG_PORT env -u WATCHDOG_PORT pm2 start ecosystem.config.cjs && sleep 600',
  culprit: 'freeze.cjs',
  processes,
  reload: 'FIRST_PORT=$WATCHDOG_PORT env -u WATCHDOG_PORT pm2 reload ecosystem.config.cjs',
  stop: 'pm2 kill',
});

/** Starts the app, and passes when that has ended. */
const TEST = `test('freezes', async () => {
  const { ended } = require('./app.cjs');
  await ended;
}, 60_000);
`;
const TESTED = `${APP_CJS}exports.ended = require('node:events').once(server, 'close');\n`;

export const MANAGERS: readonly Project[] = [
  {
    name: 'pm2, `--import …/register`',
    tool: 'pm2',
    dependencies: { pm2: '7.0.4' },
    files: { 'app.cjs': UNAWARE, 'freeze.cjs': FREEZE_CJS },
    ways: [
      pm2('fork mode, reload', {}, 1),
      pm2('cluster mode of two, reload', { exec_mode: 'cluster', instances: 2 }, 2),
    ],
  },
  {
    name: 'pnpm',
    tool: 'pnpm',
    tools: { pnpm: '12.21.0' },
    install: 'pnpm install --prefer-offline --store-dir ../store',
    files: FILES,
    ways: [{ name: 'its linked folders', start: 'node app.cjs', culprit: 'freeze.cjs' }],
  },
  {
    name: 'Yarn classic',
    tool: 'yarn',
    tools: { yarn: '1.22.22' },
    install: 'yarn install --no-lockfile --cache-folder ../cache',
    files: FILES,
    ways: [{ name: 'its folder', start: 'yarn --silent node app.cjs', culprit: 'freeze.cjs' }],
  },
  {
    name: 'Yarn',
    tool: '@yarnpkg/cli-dist',
    tools: { '@yarnpkg/cli-dist': '4.18.1' },
    install: 'node ../node_modules/@yarnpkg/cli-dist/bin/yarn.js install --no-immutable',
    files: {
      ...FILES,
      'yarn.lock': '',
      'unaware.cjs': UNAWARE,
      '.yarnrc.yml': 'nodeLinker: pnp\nenableGlobalCache: false\nenableTelemetry: false\n',
    },
    ways: [
      {
        name: "Plug'n'Play",
        start: 'node ../node_modules/@yarnpkg/cli-dist/bin/yarn.js node app.cjs',
        culprit: 'freeze.cjs',
      },
      {
        name: "Plug'n'Play, `--require …/register`",
        start:
          'node ../node_modules/@yarnpkg/cli-dist/bin/yarn.js node --require event-loop-watchdog/register unaware.cjs',
        culprit: 'freeze.cjs',
      },
    ],
  },
  {
    name: 'Jest',
    tool: 'jest',
    dependencies: { jest: '30.5.2' },
    files: {
      ...FILES,
      'app.cjs': TESTED,
      'app.test.cjs': TEST,
      'jest.config.json': '{ "testMatch": ["**/*.test.cjs"] }',
    },
    ways: [{ name: 'runs an app', start: 'jest', culprit: 'freeze.cjs', ends: true }],
  },
  {
    name: 'Vitest',
    tool: 'vitest',
    dependencies: { vitest: '4.1.12' },
    files: {
      'app.ts': `import { once } from 'node:events';\n${APP}export const ended = once(server, 'close');\n`,
      'freeze.ts': FREEZE_TS,
      'app.test.ts':
        "import { test } from 'vitest';\nimport { ended } from './app.js';\ntest('freezes', () => ended, 60_000);\n",
    },
    ways: [
      { name: 'runs an app', start: 'vitest run', culprit: 'freeze.ts', ends: true },
      {
        name: 'runs an app in a worker thread',
        start: 'vitest run --pool threads',
        ends: true,
        note: 'works; no line is named, as the log says',
      },
    ],
  },
  {
    name: 'single executable',
    tool: 'postject',
    dependencies: { esbuild: '0.28.2', postject: '1.0.0-alpha.6' },
    files: {
      'src/app.js': APP,
      'src/freeze.js': FREEZE_JS,
      'sea.json':
        '{ "main": "dist/app.cjs", "output": "dist/app.blob", "disableExperimentalSEAWarning": true }',
    },
    ways: [
      {
        name: 'no map',
        build: `esbuild src/app.js --bundle --platform=node --format=cjs --outfile=dist/app.cjs &&
          node --experimental-sea-config sea.json && cp "$(command -v node)" dist/app &&
          postject dist/app NODE_SEA_BLOB dist/app.blob --sentinel-fuse NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2`,
        start: 'dist/app',
        culprit: 'dist/app.cjs',
        nodes: [20, 22, 24, 26],
      },
    ],
  },
];
