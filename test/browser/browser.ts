import { createRequire } from 'node:module';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { PATIENCE_MS } from '../support/eventually.js';

/** A name that no watchdog takes for its own host's: whoever comes by it needs the token. */
export const FOREIGN_NAME = 'watched.test';

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', `--host-resolver-rules=MAP ${FOREIGN_NAME} 127.0.0.1`],
  });
}

/** A page in a profile of its own, and what its console complains of: faults, and breaches of its policy. */
export interface Opened {
  readonly page: Page;
  readonly complaints: string[];
}

export async function openPage(
  browser: Browser,
  url: string,
  options?: BrowserContextOptions,
): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 720 }, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(url);
  return { page, complaints };
}

/** The state in words, as soon as it is this one. */
export function stateIs(page: Page, words: string | RegExp): Promise<void> {
  return page.getByRole('heading', { level: 1 }).filter({ hasText: words }).waitFor();
}

const AXE = createRequire(import.meta.url)('axe-core') as { readonly source: string };

/** What axe finds to be serious or worse, in a line each. */
export async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(AXE.source);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { readonly axe: typeof import('axe-core') };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 200)).join(' | ')}`);
  });
}
