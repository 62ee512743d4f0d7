import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A directory of the test's own. It goes when the test is over and its children are ended. */
export function makeHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'watchdog-test-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

/** The same with these files in it, by their paths; its name ends in a slash. */
export function makeFiles(files: Readonly<Record<string, string>>): string {
  const home = makeHome();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    writeFileSync(join(home, name), text);
  }
  return `${home}/`;
}
