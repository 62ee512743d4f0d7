import { execFileSync } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { Stall } from '../../src/types.js';
import { type Child, killChildren, startApp, startChild } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { makeHome } from '../support/home.js';
import { scrape } from '../support/scrape.js';

afterEach(killChildren);

const functionsOf = (stall: Stall): (string | undefined)[] =>
  (stall.stacks[0]?.frames ?? []).map((frame) => frame.function);

/**
 * The stall that the deed makes, scraped all the while: no scrape may fail. Again if a busy machine kept main
 * from its deed when its stack was captured.
 */
async function stallBy(app: Child, url: string, deed: string, value: object): Promise<Stall> {
  for (let tries = 1; ; tries++) {
    app.send({ deed, value: { ms: 1500, ...value } });
    let stall: Stall | undefined;
    const told = eventually(async () => {
      const one = await app.message<Stall>('stall');
      return one.durationMs >= 1400 ? one : undefined;
    }, 'the stall is told').then((one) => {
      stall = one;
    });
    while (!stall) await scrape(url);
    await told;
    if (functionsOf(stall).includes('report') || tries === 5) return stall;
  }
}
const restarts = async (url: string): Promise<number> =>
  (await scrape(url)).value('watchdog_sidecar_restarts_total');

describe('the port answers, the stall is told and the app ends well, in a script that says it is', () => {
  it.each<[string, (home: string) => string]>([
    ['on another host', () => 'file://wsl.localhost/Ubuntu/home/me/report.ts'],
    ['behind an encoded slash', () => 'file:///app/%2Freport.js'],
    ['in a bundler', () => 'webpack-internal:///./report.js'],
    [
      'a FIFO',
      (home) => {
        execFileSync('mkfifo', [join(home, 'fifo')]);
        return pathToFileURL(join(home, 'fifo')).href;
      },
    ],
    [
      'a device without an end',
      (home) => {
        symlinkSync('/dev/zero', join(home, 'zero'));
        return pathToFileURL(join(home, 'zero')).href;
      },
    ],
    ['a directory', (home) => pathToFileURL(home).href],
  ])('%s', async (_, make) => {
    const { app, url } = await startApp('odd-frames.mjs');
    const stall = await stallBy(app, url, 'url', { url: make(makeHome()) });
    expect(stall.stacks[0], JSON.stringify(stall)).toMatchObject({ result: 'captured' });
    expect(functionsOf(stall), JSON.stringify(stall)).toContain('report');
    expect(await restarts(url)).toBe(0);
    app.send({ deed: 'exit', value: 7 });
    expect(await app.exit).toMatchObject({ code: 7, signal: null });
  });
});

describe('the culprit is found in', () => {
  const CULPRIT =
    '(function report(ms) { const until = performance.now() + ms; while (performance.now() < until); })';
  const FILLER = '/* filler of sixty-three characters, so that the file is large */\n';

  it('a plain script of 9 MB', async () => {
    const { app, url } = await startApp('odd-frames.mjs');
    const text = FILLER.repeat(9e6 / FILLER.length) + CULPRIT;
    const line = text.split('\n').length;
    const file = join(makeHome(), 'large.js');
    const stall = await stallBy(app, url, 'file', { file, text });
    expect(stall.culprit).toMatchObject({ function: 'report', file, line });
    expect(stall.culprit?.code).toContain('performance.now()');
    expect(await restarts(url)).toBe(0);
  });

  it.each([
    ['a bundle of 10 MB with a map of 15 MB', '\n'],
    ['a minified bundle of 10 MB, one line, with a map of 15 MB', ' '],
  ])('%s', async (_, newline) => {
    const { app, url } = await startApp('odd-frames.mjs');
    const home = makeHome();
    const filler = FILLER.replace('\n', newline);
    const count = Math.floor(1e7 / filler.length);
    const file = join(home, 'bundle.js');
    const text = `${filler.repeat(count)}${CULPRIT}\n//# sourceMappingURL=bundle.js.map`;
    // Sixty-four characters on, one line on in the source, again and again; then the culprit, in a source of
    // its own.
    const lines = newline === '\n';
    const last = lines ? 'A' : vlqOf(filler.length);
    const step = lines ? 'AACA;' : `${vlqOf(filler.length)}ACA,`;
    const map = {
      version: 3,
      sources: ['filler.ts', 'culprit.ts'],
      sourcesContent: [`${'x'.repeat(13)}\n`.repeat(1e6), `// one\n// two\n${CULPRIT}\n`],
      mappings: `AAAA${lines ? ';' : ','}${step.repeat(count - 1)}${last}C${vlqOf(3 - count)}A`,
    };
    writeFileSync(join(home, 'bundle.js.map'), JSON.stringify(map));
    const stall = await stallBy(app, url, 'file', { file, text });
    expect(stall.culprit, JSON.stringify(stall)).toMatchObject({
      function: 'report',
      file: join(home, 'culprit.ts'),
      line: 3,
      code: expect.stringContaining('performance.now()'),
    });
    expect(await restarts(url)).toBe(0);
  });
});

describe('of what a loader compiles, the file being another text, the culprit is', () => {
  const SOURCE =
    `// one\n// two\nmodule.exports = function report(ms) {\n  const until = ` +
    `performance.now() + ms;\n  while (performance.now() < until);\n};\n`;
  const CODE =
    `"use strict";\n/* helpers */\n\n\n\n\n\n(function report(ms) { const until = ` +
    `performance.now() + ms;\nwhile (performance.now() < until); })`;
  /** Its lines 8 and 9 are 4 and 5 of the source. */
  const MAP = { version: 3, sources: ['report.js'], sourcesContent: [SOURCE], mappings: ';;;;;;;AAGA;AACA' };
  const inline =
    `//# sourceMappingURL=data:application/json;` +
    `base64,${Buffer.from(JSON.stringify(MAP)).toString('base64')}`;

  it.each([
    [
      'that of the file, by the map that only V8 has',
      `\n${inline}`,
      { line: 5, code: 'while (performance.now() < until);' },
    ],
    ['where V8 says it is, without a map', '', { line: 9, code: 'while (performance.now() < until); })' }],
  ])('%s', async (_, comment, location) => {
    const { app, url } = await startApp('odd-frames.mjs');
    const file = join(makeHome(), 'report.js');
    const stall = await stallBy(app, url, 'compiled', { file, text: SOURCE, code: CODE + comment });
    expect(stall.culprit, JSON.stringify(stall)).toMatchObject({ function: 'report', file, ...location });
  });
});

function vlqOf(value: number): string {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  let rest = value < 0 ? -value * 2 + 1 : value * 2;
  let text = '';
  for (; rest >= 32; rest = Math.floor(rest / 32)) text += digits[(rest % 32) + 32];
  return text + digits[rest];
}

describe('a capture', () => {
  it.each([
    ['main', 150],
    ['worker', 100],
  ])('leaves a script that is ended by its time-out to that (%s)', async (where, RUNS) => {
    const app = startChild('vm-timeouts.mjs', { args: [String(RUNS), where] });
    const { ended, captures } = await app.message<{ ended: number; captures: number }>('result');
    expect(ended).toBe(RUNS);
    expect(captures).toBeGreaterThan(RUNS / 10);
  });

  it.each([
    [
      'profile',
      async (app: Child, url: string) => {
        app.send({ deed: 'log' });
        expect((await post(`${url}/debug/cpu-profile?seconds=1`)).status).toBe(200);
      },
    ],
    [
      'stall',
      async (app: Child) => {
        app.send({ deed: 'stall', value: 1500 });
        await app.message('stall');
      },
    ],
  ])('at a %s keeps nothing of what main logs', async (_, capture) => {
    const { app, url } = await startApp('logging-app.mjs', {}, { nodeArgs: ['--expose-gc'] });
    await capture(app, url);
    app.send({ deed: 'count' });
    expect(await app.message<number>('kept')).toBeLessThan(3);
  });

  it('that takes long is broken off by the end of the process', async () => {
    const { app, url } = await startApp('logging-app.mjs', {}, { nodeArgs: ['--expose-gc'] });
    const profile = post(`${url}/debug/cpu-profile?seconds=30`).catch(() => 'broken off');
    await eventually(
      async () => (await post(`${url}/debug/stack`)).status === 429,
      'the profile is under way',
    );
    app.send({ deed: 'exit', value: 7 });
    expect(await app.exit).toMatchObject({ code: 7, stderr: '' });
    expect(app.messages('looking')).toEqual([0]);
    await profile;
  });
});

const post = (url: string): Promise<Response> =>
  fetch(url, { method: 'POST', signal: AbortSignal.timeout(60_000) });
