// The watchdog's delay, as a real Prometheus has it that scraped it: with native histograms or without.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const DELAY = 'watchdog_eventloop_delay_seconds';
/** What to ask of each, and with what it is started. */
export const FORMS = {
  native: {
    features: ['--enable-feature=native-histograms'],
    quantile: (q, window) => `histogram_quantile(${q}, rate(${DELAY}${window}))`,
    sum: (at) => `histogram_sum(${DELAY}${at})`,
    count: (at) => `histogram_count(${DELAY}${at})`,
  },
  classic: {
    features: [],
    quantile: (q, window) => `histogram_quantile(${q}, rate(${DELAY}_bucket${window}))`,
    sum: (at) => `${DELAY}_sum${at}`,
    count: (at) => `${DELAY}_count${at}`,
  },
};
const EVERY_S = 1;

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

/** Begins to scrape this port; resolves when it has. */
export async function startPrometheus(form, target) {
  const { features, quantile, sum, count } = FORMS[form];
  const home = mkdtempSync(join(tmpdir(), 'watchdog-accuracy-'));
  const file = join(home, 'prometheus.yml');
  const every = `${EVERY_S}s`;
  writeFileSync(
    file,
    JSON.stringify({
      global: { scrape_interval: every, scrape_timeout: every },
      scrape_configs: [{ job_name: 'app', static_configs: [{ targets: [`127.0.0.1:${target}`] }] }],
    }),
  );
  const port = await freePort();
  const child = spawn(
    'prometheus',
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${home}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
      ...features,
    ],
    { stdio: 'ignore' },
  );
  await once(child, 'spawn').catch(() => {
    throw new Error('There is no prometheus on the PATH. On Debian: apt-get install prometheus');
  });

  async function ask(query) {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(query)}`);
    const { data, error } = await response.json();
    if (error) throw new Error(`${error}: ${query}`);
    return data.result;
  }
  const value = async (query) => Number((await ask(query))[0]?.value[1]);

  /** The moment of the latest scrape, in seconds, once there has been one after this one. */
  async function scraped(afterMs = Date.now()) {
    for (;;) {
      const [up] = await ask('timestamp(up == 1)').catch(() => []);
      if (up && Number(up.value[1]) * 1000 > afterMs) return Number(up.value[1]);
      await sleep(200);
    }
  }

  /** What is told of the time between two scrapes; milliseconds. */
  async function tell(from, to) {
    const window = `[${Math.round(1000 * (to - from))}ms] @ ${to}`;
    const grown = async (of) => (await value(of(` @ ${to}`))) - (await value(of(` @ ${from}`)));
    const arrivals = await grown(count);
    const stalls = (at) => `sum(watchdog_stalls_total${at})`;
    return {
      mean: (1000 * (await grown(sum))) / arrivals,
      p50: 1000 * (await value(quantile(0.5, window))),
      p90: 1000 * (await value(quantile(0.9, window))),
      p99: 1000 * (await value(quantile(0.99, window))),
      stalls: await grown(stalls),
      arrivals,
    };
  }

  return {
    scraped,
    tell,
    async stop() {
      child.kill('SIGKILL');
      await once(child, 'exit');
      rmSync(home, { recursive: true, force: true });
    },
  };
}
