// Takes the pictures of the status page in observability/: a demo app that is frozen while they are taken.
// node test/browser/screenshots.mjs
import { writeFile } from 'node:fs/promises';
import { chromium } from 'playwright-core';
import { launchApp } from '../../examples/demo/launch.mjs';

const SIZE = { width: 1280, height: 800 };
/** How long the app has been frozen when the pictures are taken. */
const FROZEN_FOR = /Blocked for [2-9]\.\d s/;
/** One of each kind before, so that there is something to see. */
const BEFORE = ['runShellScript', 'archiveUploads', 'validateEmail'];

const app = launchApp();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
try {
  const { sidecarUrl } = await app.ready;
  const pages = await Promise.all(['light', 'dark'].map(open));
  for (const name of BEFORE) await app.freeze(name, () => {});
  const thawed = app.freeze('computeReport', () => {});
  for (const { page, colorScheme } of pages) {
    await page.getByRole('heading', { level: 1 }).filter({ hasText: FROZEN_FOR }).waitFor();
    const png = await page.screenshot();
    await writeFile(new URL(`../../observability/status-${colorScheme}.png`, import.meta.url), png);
  }
  await thawed;

  async function open(colorScheme) {
    const page = await browser.newPage({ viewport: SIZE, colorScheme });
    await page.goto(new URL('/', sidecarUrl).href);
    await page.getByText('1 min', { exact: true }).click();
    return { page, colorScheme };
  }
} finally {
  await browser.close();
  app.stop();
}
