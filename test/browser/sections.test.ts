import { readFile } from 'node:fs/promises';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { History, Stall } from '../../src/types.js';
import { killChildren, startApp, startChild } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { barriers, launchBrowser, openPage } from './browser.js';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());
afterEach(async () => {
  for (const context of browser.contexts()) await context.close();
  await killChildren();
});

const detailOf = (page: Page) => page.getByRole('group', { name: 'The stall in detail' });
/**
 * The row of the stall under way, once it is the first and has been looked at: on a busy machine it may be for want
 * of CPU, and others may come after it.
 */
async function frozenRow(page: Page): Promise<Locator> {
  const rows = page.getByRole('table', { name: 'The latest' }).getByRole('row');
  const text = /so far(?:cpu|starved)renderInvoice.*GET \/invoices\/2026/;
  await rows.nth(1).filter({ hasText: text }).waitFor();
  return rows.filter({ hasText: /^\s*\d+:\d+:\d+.*renderInvoice/ });
}
const focused = (page: Page, attribute: string): Promise<string | null> =>
  page.evaluate(`document.activeElement.getAttribute('${attribute}')`);

async function savedProfile(page: Page): Promise<{ nodes: unknown[]; samples: number[] }> {
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download .cpuprofile' }).click();
  const download = await saved;
  expect(download.suggestedFilename()).toMatch(/\.cpuprofile$/);
  return JSON.parse(await readFile(await download.path(), 'utf8'));
}

it('a stall is on top while it lasts, and what is read of it stays open when it is over', async () => {
  const { app, url } = await startApp('page-app.mjs');
  const { page, complaints } = await openPage(browser, url);
  app.send({ deed: 'freeze' });
  await app.message('freezing');
  const row = await frozenRow(page);
  await row.getByRole('button').press('Enter');
  const detail = detailOf(page);
  await detail
    .getByText(/ a CPU: /)
    .first()
    .waitFor();
  await detail.getByText('renderInvoice').first().waitFor();
  app.release();
  // It is read on all the while.
  const tree = detail.getByRole('tree');
  await tree.getByRole('treeitem', { name: /^renderInvoice / }).waitFor();
  expect(await row.textContent()).not.toContain('so far');
  expect(await focused(page, 'aria-expanded')).toBe('true');

  await tree.getByRole('treeitem', { name: /^All: / }).press('ArrowDown');
  expect(await focused(page, 'aria-level')).toBe('2');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  expect(await focused(page, 'aria-level')).toBe('1');
  const { nodes, samples } = await savedProfile(page);
  expect(nodes.length).toBeGreaterThan(1);
  expect(samples.length).toBeGreaterThan(0);
  expect(await barriers(page)).toEqual([]);

  await detail.getByRole('button', { name: 'Close' }).click();
  await detail.waitFor({ state: 'detached' });
  expect(await focused(page, 'aria-expanded')).toBe('false');
  await page.goBack();
  await detail.waitFor();
  expect(complaints).toEqual([]);
});

it('a link to a stall opens it, or says that it is not kept', async () => {
  const { app, url } = await startApp('page-app.mjs');
  app.send({ deed: 'freeze' });
  await app.message('freezing');
  const { page } = await openPage(browser, url, { viewport: { width: 320, height: 640 } });
  await frozenRow(page);
  app.release();
  const { id } = await eventually(async () => {
    const { stalls } = (await (await fetch(`${url}/api/stalls`)).json()) as { readonly stalls: Stall[] };
    return stalls.find(({ requests }) => requests);
  }, 'the stall that is over');
  await page.goto(`${url}/?again#stall=${id}`);
  await detailOf(page)
    .getByText(/^GET \/invoices\/2026/)
    .waitFor();
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(320);
  await page.goto(`${url}/#stall=1-2-3`);
  await page.getByText('The stall 1-2-3 is not among the latest hundred').waitFor();
});

it('what a sidecar has told stays when another takes its place, also behind a proxy, in a folder', async () => {
  const { app, url } = await startApp('page-app.mjs');
  const { page } = await openPage(browser, 'about:blank');
  await page.route(`${url}/wd**`, async (route) => {
    const { pathname, search } = new URL(route.request().url());
    await route.fulfill({
      response: await route.fetch({ url: url + pathname.slice('/wd'.length) + search }),
    });
  });
  await page.goto(`${url}/wd`);
  app.send({ deed: 'freeze' });
  await app.message('freezing');
  const row = await frozenRow(page);
  app.release();
  await row.getByText('so far').waitFor({ state: 'detached' });
  await page.getByText('Last stall').waitFor();
  app.send({ deed: 'kill sidecar' });
  await page.getByText('sidecar restarted 1 ×').waitFor();
  await page.getByText('since the sidecar was restarted').waitFor({ state: 'attached' });
  expect(await row.textContent()).toContain('GET /invoices/2026');
  expect(await page.getByText('none in the last 15 minutes').count()).toBe(0);
});

it('an app that has frozen before its first turn is starting, for so long, and has no figures', async () => {
  const app = startChild('blocked-from-the-start.mjs');
  const port = await app.message<number>('port');
  await eventually(() => fetch(`http://127.0.0.1:${port}/livez`).catch(() => undefined), 'the port answers');
  const { page, complaints } = await openPage(browser, `http://127.0.0.1:${port}`);
  await page.getByRole('heading', { level: 1, name: /^Starting for [\d.]+ s$/ }).waitFor();
  const state = page.getByRole('region', { name: 'State of the event loop' });
  await state.getByText('has not turned yet').waitFor();
  expect(await page.getByText('no turn yet').count()).toBe(1);
  expect(complaints).toEqual([]);
});

it('does not say that there was no stall before it knows', async () => {
  const { url } = await startApp('page-app.mjs');
  const { page } = await openPage(browser, 'about:blank');
  await page.route('**/api/history*', (route) => route.abort());
  await page.goto(url);
  await page.getByText('The history does not come.').waitFor();
  expect(await page.getByText('in the last 15 minutes').count()).toBe(0);
  await page.unroute('**/api/history*');
  await page.getByText('The history does not come.').waitFor({ state: 'hidden' });
});

it('charts that were stopped stay as they were, however long they are looked at', async () => {
  const { url } = await startApp('page-app.mjs');
  const { page } = await openPage(browser, url);
  const held = page.getByRole('listitem').filter({ hasText: /^loop held/ });
  await held.filter({ hasText: '%' }).waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  const before = await held.textContent();
  let answers = 0;
  await page.route('**/api/history*', async (route) => {
    const history = (await (await route.fetch()).json()) as History;
    answers++;
    await route.fulfill({ json: { ...history, at: history.at.map((moment) => moment + 20 * 60_000) } });
  });
  await eventually(() => answers >= 3, 'twenty minutes are over');
  expect(await held.textContent()).toBe(before);
  await page.getByRole('button', { name: 'Go live' }).click();
  await held.filter({ hasText: '%' }).waitFor();
});

it('threads and profiles are asked for, one at a time', async () => {
  const { url } = await startApp('page-app.mjs');
  const { page } = await openPage(browser, url);
  const dump = page.getByRole('button', { name: 'Dump threads' });
  await dump.click();
  await page.getByText('"main" #0').waitFor();
  await page.getByText('"event-loop-watchdog" #1').waitFor();

  const profile = page.getByRole('button', { name: 'CPU profile' });
  await profile.click();
  await page.getByRole('progressbar', { name: 'Profile under way' }).waitFor();
  expect(await profile.getAttribute('aria-disabled')).toBe('true');
  await dump.click();
  await page
    .getByRole('alert')
    .getByText(/Another capture is under way/)
    .waitFor();
  const look = page.getByRole('region', { name: 'Look now' });
  await look.getByText(/Main for 5 s/).waitFor();
  expect(await profile.getAttribute('aria-disabled')).toBeNull();
  expect((await savedProfile(page)).nodes.length).toBeGreaterThan(0);
});
