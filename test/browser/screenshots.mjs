// Takes the pictures of the status page in observability/: an app that is frozen while they are taken, and has
// been before. Takes a minute. node test/browser/screenshots.mjs
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { smallPng } from './small-png.mjs';

const SIZE = { width: 1280, height: 800 };
/** What the app is frozen by before, for how long, and how long it then runs. */
const BEFORE = [
  ['convertUpload', 2500, 11_000],
  ['rebuildIndex', 1800, 9_000],
  ['renderInvoice', 700, 12_000],
  ['convertUpload', 400, 7_000],
];
const LAST_MS = 16_000;
/** When the pictures are taken. */
const FROZEN_FOR = /Blocked for 1[23]\.\d s/;

const app = fork(new URL('../fixtures/shop/app.mjs', import.meta.url), { stdio: 'inherit' });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
try {
  const [{ ready }] = await once(app, 'message');
  await sleep(3_000);
  for (const [freeze, ms, thenMs] of BEFORE) {
    app.send({ freeze, ms });
    await sleep(ms + thenMs);
  }
  app.send({ freeze: 'renderInvoice', ms: LAST_MS });
  await Promise.all(['light', 'dark'].map((colorScheme) => takePicture(ready.url, colorScheme)));
} finally {
  await browser.close();
  app.kill('SIGKILL');
}

async function takePicture(url, colorScheme) {
  const page = await browser.newPage({ viewport: SIZE, colorScheme });
  await page.goto(url);
  await page.getByText('1 min', { exact: true }).click();
  await page.getByRole('heading', { level: 1 }).filter({ hasText: FROZEN_FOR }).waitFor();
  const png = await page.screenshot();
  const blank = await browser.newPage();
  const file = new URL(`../../observability/status-${colorScheme}.png`, import.meta.url);
  await writeFile(file, await smallPng(blank, png));
}
