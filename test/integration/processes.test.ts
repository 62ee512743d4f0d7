import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Child, killChildren, startChild } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { makeHome } from '../support/home.js';
import { scrape } from '../support/scrape.js';

interface Discovered {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

let home: string;
beforeEach(() => {
  home = makeHome();
});
afterEach(killChildren);

const start = (fixture: string, port: number, env: Record<string, string> = {}): Child =>
  startChild(fixture, { args: [String(port)], env: { TMPDIR: home, ...env } });

async function discover(url: string): Promise<Discovered[]> {
  const response = await fetch(`${url}/sd`);
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  return (await response.json()) as Discovered[];
}

describe('four processes behind node:cluster', () => {
  it('serve on ports in a row; any of them lists all, also a frozen one, and forgets the dead', async () => {
    const port = await freePort(4);
    const app = start('processes.mjs', port);
    const urls = new Map<number, string>();
    while (urls.size < 4) {
      const { id, url, port: own } = await app.message<{ id: number; url: string; port: number }>('serving');
      expect(own).toBe(port + id - 1);
      urls.set(id, url);
    }
    const url = urls.get(3) as string;
    app.send({ deed: 'freeze', value: { worker: 3, ms: 30_000 } });
    await eventually(
      async () =>
        (await scrape(url)).value('watchdog_eventloop_lag_seconds{thread="main"}') > 0.5 || undefined,
      'it is frozen',
    );
    for (const one of urls.values()) {
      const all = await discover(one);
      expect(all).toEqual(
        [0, 1, 2, 3].map((worker) => ({
          targets: [`127.0.0.1:${port + worker}`],
          labels: {
            __meta_watchdog_app: 'event-loop-watchdog',
            __meta_watchdog_pid: expect.stringMatching(/^\d+$/),
            worker: String(worker),
          },
        })),
      );
    }
    for (const { targets } of await discover(url)) {
      expect(
        (await scrape(`http://${targets[0]}`)).has('watchdog_eventloop_turns_total{thread="main"}'),
      ).toBe(true);
    }

    app.send({ deed: 'kill', value: 2 });
    app.send({ deed: 'kill', value: 3 });
    const left = await eventually(async () => {
      const all = await discover(urls.get(1) as string);
      return all.length < 3 ? all : undefined;
    }, 'the dead ones are forgotten');
    expect(left.map(({ labels }) => labels.worker)).toEqual(['0', '3']);
    const { stderr } = await app.kill();
    expect(stderr).toMatch(
      new RegExp(
        `^event-loop-watchdog: worker 2 \\(pid \\d+\\) serves http://127.0.0.1:${port + 2}/metrics$`,
        'm',
      ),
    );
  });

  it('may take any ports, and find each other nevertheless', async () => {
    const app = start('processes.mjs', 0);
    const ports = new Set<number>();
    for (let i = 0; i < 4; i++) ports.add((await app.message<{ port: number }>('serving')).port);
    expect(ports.size).toBe(4);
    const [port] = ports;
    const found = (await discover(`http://127.0.0.1:${port}`)).map(({ targets }) => targets[0]);
    expect(new Set(found)).toEqual(new Set([...ports].map((one) => `127.0.0.1:${one}`)));
  });
});

describe('processes under pm2', () => {
  it('go by NODE_APP_INSTANCE; one that closes takes itself off the list', async () => {
    const port = await freePort(2);
    const [first, second] = ['0', '1'].map((NODE_APP_INSTANCE) =>
      start('process.mjs', port, { NODE_APP_INSTANCE }),
    ) as [Child, Child];
    const { url } = await first.message<{ url: string }>('ready');
    expect(await second.message('ready')).toMatchObject({ port: port + 1 });
    expect(await discover(url)).toHaveLength(2);
    second.send({ close: true });
    await second.message('closed');
    expect((await discover(url)).map(({ labels }) => labels.worker)).toEqual(['0']);
  });

  it('of which there are more than ports take any, and say so', async () => {
    const app = start('process.mjs', 65_530, { NODE_APP_INSTANCE: '6' });
    expect(await app.message('warning')).toBe('WATCHDOG_BAD_PORT');
    const { url } = await app.message<{ url: string }>('ready');
    expect((await discover(url)).map(({ labels }) => labels.worker)).toEqual(['6']);
  });

  it('one that has to wait for its port, as in a reload, is on the list once it has it', async () => {
    const port = await freePort(1);
    const old = start('process.mjs', port, { NODE_APP_INSTANCE: '0' });
    await old.message('ready');
    const fresh = start('process.mjs', port, { NODE_APP_INSTANCE: '0' });
    expect(await fresh.message('failed')).toBe('EADDRINUSE');
    await old.kill();
    const found = await eventually(async () => {
      const all = await discover(`http://127.0.0.1:${port}`);
      return all.length === 1 ? all[0] : undefined;
    }, 'it is on the list');
    expect(found?.labels.__meta_watchdog_pid).toBe(String(fresh.process.pid));
  });
});

describe('a process by itself', () => {
  it('keeps its port', async () => {
    const port = await freePort(1);
    const app = start('process.mjs', port);
    expect(await app.message('ready')).toMatchObject({ port });
  });
});
