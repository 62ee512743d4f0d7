import { Agent, get } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { killChildren, startApp } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { rssMib } from '../support/process.js';
import { scrape } from '../support/scrape.js';

afterEach(killChildren);

const SCRAPES = 100_000;
const TURNS = 1_000_000;
const CONNECTIONS = 8;
/**
 * A process's memory moves by this much on its own; 100,000 scrapes of 10 KB that leaked would be a gigabyte.
 */
const NOISE_MIB = 24;

function drainOnce(url: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      response.resume();
      response.on('end', resolve);
      response.on('error', reject);
    }).on('error', reject);
  });
}

it(`memory is flat over ${SCRAPES} scrapes and ${TURNS} turns`, async () => {
  const { app, url } = await startApp('busy-loop.mjs', {}, { deadManMs: 600_000 });
  const pid = app.process.pid as number;
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const samples: number[] = [];
  let left = SCRAPES;
  const started = Date.now();
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (left-- > 0) {
        await drainOnce(`${url}/metrics`, agent);
        if (left % (SCRAPES / 20) === 0) samples.push(rssMib(pid));
      }
    }),
  );
  agent.destroy();
  const turns = await eventually(async () => {
    const now = (await scrape(url)).value('watchdog_eventloop_turns_total{thread="main"}');
    return now >= TURNS ? now : undefined;
  }, `${TURNS} turns`);
  console.log(
    `${SCRAPES} scrapes in ${((Date.now() - started) / 1000).toFixed(0)} s, ${turns} turns; ` +
      `RSS in MiB: ${samples.map((mib) => mib.toFixed(0)).join(' ')}`,
  );
  const early = samples.slice(4, 9);
  const late = samples.slice(-5);
  expect(Math.min(...late) - Math.max(...early)).toBeLessThan(NOISE_MIB);
});
