import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Child, killChildren, startChild } from '../support/child.js';
import { makeHome } from '../support/home.js';
import { scrape } from '../support/scrape.js';

afterEach(killChildren);

/** Runs the app with its streams as this line of shell has them; "$@" is the app. */
const startIn = (line: string, way: string, ...args: string[]): Child =>
  startChild('stdio.mjs', { args: [way], under: ['sh', '-c', line, ...(args.length > 0 ? args : ['sh'])] });

/** Tells the exit code of the app on standard error, and gives its standard output to another command. */
const pipedTo = (reader: string): string => `{ { "$@"; echo "code $?" >&3; } 2>/dev/null | ${reader}; } 3>&2`;

describe.runIf(process.platform === 'linux')('the standard streams of an app', () => {
  it.each([
    ['pipes', '{ "$@" 2>&1; } | cat'],
    ['files', 'exec "$@" >/dev/null 2>&1'],
  ])('stay as they are: %s', async (_, line) => {
    const app = startIn(line, 'flags');
    expect(await app.message('flags')).toEqual({ before: [false, false], after: [false, false] });
  });

  it('take what it writes at once, however slow the reader', async () => {
    const app = startIn(
      '{ { "$@"; echo "code $?" >&3; } 2>&1 | { sleep 1; cat >/dev/null; }; } 3>&2',
      'writes',
    );
    expect((await app.exit).stderr).toBe('code 0\n');
  });

  it('may lose their reader without harm', async () => {
    const app = startIn(pipedTo('head -1'), 'lines');
    expect(await app.exit).toMatchObject({ stdout: 'one\n', stderr: 'code 0\n' });
  });

  it('may be full: the sidecar answers, and the process ends', async () => {
    const pipe = join(makeHome(), 'pipe');
    execFileSync('mkfifo', [pipe]);
    // Sixteen pages fill a pipe.
    const app = startIn('exec 2<>"$0"; head -c 65536 /dev/zero >&2; exec "$@"', 'stalls', pipe);
    const { url } = await app.message<{ url: string }>('ready');
    for (let i = 0; i < 5; i++) expect((await scrape(url)).value('watchdog_sidecar_restarts_total')).toBe(0);
    app.send({ end: true });
    expect(await app.exit).toMatchObject({ code: 7 });
  });
});
