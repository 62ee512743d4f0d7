// What each weighs: what `npm install` brings, how much later the app starts, how long until it watches, and how much
// more memory the process takes. Ours is installed from what would be published.
import { execFileSync, execSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keep, printTable } from './kit/results.mjs';
import { median } from './kit/variants.mjs';

const ROUNDS = 15;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NOTHING = 'nothing';

/** Packages, and the code that makes each watch. */
const PEERS = {
  [NOTHING]: { packages: [], code: '' },
  'event-loop-watchdog': {
    packages: ['event-loop-watchdog'],
    code: `import { startWatchdog } from 'event-loop-watchdog'; await startWatchdog(0, { log: false }).ready;`,
  },
  'prom-client default metrics': {
    packages: ['prom-client@15.1.3'],
    code: `import client from 'prom-client'; client.collectDefaultMetrics();`,
  },
  'OpenTelemetry runtime metrics': {
    packages: ['@opentelemetry/sdk-metrics@3.1.1', '@opentelemetry/instrumentation-runtime-node@0.37.0'],
    code: `import { MeterProvider } from '@opentelemetry/sdk-metrics';
      import { RuntimeNodeInstrumentation } from '@opentelemetry/instrumentation-runtime-node';
      new RuntimeNodeInstrumentation().setMeterProvider(new MeterProvider());`,
  },
  'Sentry eventLoopBlock': {
    packages: ['@sentry/node@10.75.3', '@sentry/node-native@10.75.3'],
    code: `import { init } from '@sentry/node'; import { eventLoopBlockIntegration } from '@sentry/node-native';
      init({ dsn: 'http://key@127.0.0.1:9/1', integrations: [eventLoopBlockIntegration()] });`,
  },
  'toobusy-js': { packages: ['toobusy-js@0.5.1'], code: `import toobusy from 'toobusy-js'; toobusy();` },
  'blocked-at': {
    packages: ['blocked-at@1.2.0'],
    code: `import blocked from 'blocked-at'; blocked(() => {});`,
  },
};
/** Since the process began; and what it holds once all is quiet. */
const TELL = `const readyMs = performance.now();
  setTimeout(() => {
    console.log(JSON.stringify({ readyMs, rssMib: process.memoryUsage.rss() / 2 ** 20 }));
    process.exit();
  }, 500);`;

const home = mkdtempSync(join(tmpdir(), 'watchdog-weight-'));
try {
  const [{ filename }] = JSON.parse(
    execSync(`npm pack --json --ignore-scripts --pack-destination ${home}`, {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );
  const installed = Object.entries(PEERS).map(([name, peer], n) =>
    install(name, peer, n, join(home, filename)),
  );
  const runs = installed.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    // Interleaved, so that a slow minute of the machine hits all alike.
    for (const [n, { folder }] of installed.entries()) runs[n].push(start(folder));
  }
  const of = (n, key) => median(runs[n].map((run) => run[key]));
  const figures = installed.map(({ name, packages, installMib }, n) => ({
    name,
    packages,
    installMib,
    readyMs: of(n, 'readyMs') - of(0, 'readyMs'),
    rssMib: of(n, 'rssMib') - of(0, 'rssMib'),
  }));
  printTable(
    `What it brings, and adds to an app that does nothing (median of ${ROUNDS}, Node ${process.version})`,
    ['', 'packages', 'MiB on disk', 'ms until it watches', 'MiB of memory'],
    figures.map(({ name, packages, ...rest }) => [
      name,
      packages,
      ...Object.values(rest).map((value) => value.toFixed(1)),
    ]),
  );
  keep('weight', figures.slice(1));
} finally {
  rmSync(home, { recursive: true, force: true });
}

function install(name, { packages, code }, n, tarball) {
  const folder = join(home, String(n));
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  const wanted = packages.map((one) => (one === 'event-loop-watchdog' ? tarball : one));
  if (wanted.length > 0)
    execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent', ...wanted], {
      cwd: folder,
    });
  writeFileSync(join(folder, 'app.js'), `${code}\n${TELL}`);
  const files = readdirSync(join(folder, 'node_modules'), { recursive: true, withFileTypes: true });
  const sizes = files
    .filter((file) => file.isFile())
    .map((file) => statSync(join(file.parentPath, file.name)).size);
  const manifests = files.filter(
    (file) =>
      file.name === 'package.json' && /node_modules[\\/](@[^\\/]+[\\/])?[^\\/]+$/.test(file.parentPath),
  );
  return { name, folder, packages: manifests.length, installMib: sizes.reduce((a, b) => a + b, 0) / 2 ** 20 };
}

function start(folder) {
  return JSON.parse(execFileSync(process.execPath, ['app.js'], { cwd: folder, encoding: 'utf8' }));
}
