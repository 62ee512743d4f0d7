import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Frame } from '../../../../src/shared/stall.js';
import { culpritOf } from '../../../../worker/captures/culprit.js';
import { toFrames } from '../../../../worker/inspector/frames.js';
import type { RawFrame } from '../../../../worker/inspector/look.js';
import { openMounts } from '../../../../worker/inspector/mounts.js';
import { beginsThere } from '../../../../worker/inspector/scripts.js';
import { openSourceFiles, openSourceText } from '../../../../worker/inspector/source-text.js';

const home = mkdtempSync(join(tmpdir(), 'watchdog-frames-'));
afterAll(() => rmSync(home, { recursive: true }));
const put = (name: string, text: string | Buffer): string => {
  writeFileSync(join(home, name), text);
  return join(home, name);
};

const raw = (url: string, lineNumber = 0, columnNumber = 0, more: object = {}): RawFrame => ({
  functionName: 'report',
  scriptId: '1',
  url,
  lineNumber,
  columnNumber,
  ...more,
});
const frameOf = (one: RawFrame, sourceLines = true): Frame => {
  const [frame] = toFrames([one], { files: openSourceFiles(() => false), sourceLines });
  return frame as Frame;
};
const urlOf = (path: string): string => pathToFileURL(path).href;

describe('the text of a line', () => {
  it('is found in its bytes, near and far', () => {
    const text = openSourceText(
      Buffer.from(Array.from({ length: 5000 }, (_, i) => `line ${i + 1}`).join('\n')),
    );
    for (const line of [1, 2, 1024, 1025, 4999, 5000, 3, 1024])
      expect(text.excerpt(line, 1)).toBe(`line ${line}`);
    expect(text.excerpt(5001, 1)).toBeUndefined();
  });

  it('is what stands around the column of a long line, at most 120 characters', () => {
    const text = openSourceText(Buffer.from(`  ${'é'.repeat(5000)}culprit();${'y'.repeat(5000)}`));
    const excerpt = text.excerpt(1, 5003) as string;
    expect(excerpt).toContain('culprit();');
    expect(excerpt.length).toBeLessThanOrEqual(120);
    expect(text.excerpt(1, 1)).toHaveLength(118);
    expect(text.excerpt(1, 10_000_000)).toHaveLength(120);
  });
});

describe('a frame', () => {
  const script = put('app.js', 'one();\n    two(); // here\n');

  it('says where it is and what stands there; the text can be left out', () => {
    expect(frameOf(raw(urlOf(script), 1, 4))).toEqual({
      function: 'report',
      file: script,
      line: 2,
      column: 5,
      internal: false,
      code: 'two(); // here',
    });
    expect(frameOf(raw(urlOf(script), 1, 4), false)).not.toHaveProperty('code');
  });

  it.each([
    ['file://wsl.localhost/Ubuntu/app/report.ts'],
    ['file:///app/%2Fetc%2Fpasswd'],
    ['file:///%00'],
    ['file:///%E0%A4%A'],
    ['file:'],
    ['webpack-internal:///./src/report.ts'],
    ['evalmachine.<anonymous>'],
  ])('is told as it is when its file cannot be: %s', (url) => {
    expect(frameOf(raw(url))).toMatchObject({ file: expect.stringMatching(/./), line: 1, column: 1 });
  });

  it('is cut when its script is an address and a program in one', () => {
    const { file } = frameOf(
      raw(`data:text/javascript,${'x'.repeat(1e6)}`, 0, 0, { functionName: 'f'.repeat(1e6) }),
    );
    expect(file.length).toBeLessThanOrEqual(1024);
  });

  it.each([
    ['a FIFO', () => execFileSync('mkfifo', [join(home, 'fifo')]) && 'fifo'],
    ['a directory', () => mkdirSync(join(home, 'folder')) ?? 'folder'],
    ['a device that never ends', () => symlinkSync('/dev/zero', join(home, 'zero')) ?? 'zero'],
    ['a terminal', () => symlinkSync('/dev/tty', join(home, 'tty')) ?? 'tty'],
    ['nothing', () => 'missing'],
  ])('does without its text if its file is %s', (_, make) => {
    const name = make();
    expect(frameOf(raw(urlOf(join(home, name))))).not.toHaveProperty('code');
    // Nor does the map that a script names hold anybody up, nor a source that a map names.
    const naming = put('naming.js', `x();\n//# sourceMappingURL=${name}\n`);
    expect(frameOf(raw(urlOf(naming)))).toMatchObject({ file: naming, code: 'x();' });
    const map = JSON.stringify({ version: 3, sources: [name, 7], mappings: 'AAAA' });
    const mapped = put(
      'mapped.js',
      `x();\n//# sourceMappingURL=data:application/json,${encodeURIComponent(map)}\n`,
    );
    // Such a source is no file: the script says where it is itself.
    expect(frameOf(raw(urlOf(mapped)))).toMatchObject({ file: mapped, line: 1, code: 'x();' });
  });

  it('is mapped by the last map that its script names; the text is that of the map if it has it', () => {
    const map = {
      version: 3,
      sources: ['src/report.ts'],
      sourcesContent: ['// one\nbusy();\n'],
      mappings: 'AACA',
    };
    put('last.js.map', JSON.stringify(map));
    const last = put('last.js', 'x();//# sourceMappingURL=nowhere.map\n//# sourceMappingURL=last.js.map');
    expect(frameOf(raw(urlOf(last), 0, 3))).toMatchObject({
      file: join(home, 'src/report.ts'),
      line: 2,
      column: 1,
      code: 'busy();',
    });
  });

  describe('names a file that exists, or its place in the script', () => {
    const SOURCE = '// one\nbusy();\n';
    mkdirSync(join(home, 'shop/src/lib'), { recursive: true });
    mkdirSync(join(home, 'shop/dist/maps'), { recursive: true });
    put('shop/src/lib/cart.ts', SOURCE);
    const script = join(home, 'shop/dist/cart.js');
    const there = { file: join(home, 'shop/src/lib/cart.ts'), line: 2, column: 1, code: 'busy();' };
    const raw1 = { file: script, line: 1, column: 4, code: 'x();y();' };

    it.each<[string, object, string, object]>([
      ['a sourceRoot beside the map', { sourceRoot: '../src', sources: ['lib/cart.ts'] }, '', there],
      ['a sourceRoot with a slash', { sourceRoot: '../src/lib/', sources: ['cart.ts'] }, '', there],
      ['a file URL', { sourceRoot: urlOf(join(home, 'shop/src')), sources: ['lib/cart.ts'] }, '', there],
      [
        'a sourceRoot of a server',
        { sourceRoot: 'https://shop.example/src', sources: ['lib/cart.ts'] },
        '',
        raw1,
      ],
      ['a sourceRoot of another machine', { sourceRoot: '/build/src', sources: ['lib/cart.ts'] }, '', raw1],
      [
        'a sourceRoot of another machine, and the text',
        { sourceRoot: '/build/src', sources: ['lib/cart.ts'], sourcesContent: [SOURCE] },
        '',
        there,
      ],
      [
        'a sourceRoot of another machine, and the text of no file that is here',
        { sourceRoot: '/', sources: ['lib/cart.ts'], sourcesContent: ['// one\nother();\n'] },
        '',
        raw1,
      ],
      [
        "a bundler's name, and the text",
        { sources: ['webpack://shop/./src/lib/cart.ts'], sourcesContent: [SOURCE] },
        '',
        there,
      ],
      ["a bundler's name", { sources: ['webpack://shop/./src/lib/cart.ts'] }, '', raw1],
      ['a map in a folder of its own', { sources: ['../../src/lib/cart.ts'] }, 'maps/', there],
      ['a map that was moved to such a folder', { sources: ['../src/lib/cart.ts'] }, 'maps/', there],
      ['a file with fewer lines', { sources: ['../src/lib/cart.ts'], mappings: 'AAUA' }, '', raw1],
      ['a file that is not there', { sources: ['../src/lib/gone.ts'] }, '', raw1],
    ])('%s', (_, map, folder, frame) => {
      put('shop/dist/cart.js', `x();y();\n//# sourceMappingURL=${folder}cart.js.map\n`);
      put(`shop/dist/${folder}cart.js.map`, JSON.stringify({ version: 3, mappings: 'AACA', ...map }));
      expect(frameOf(raw(urlOf(script), 0, 3))).toMatchObject(frame);
    });

    it('of a script whose file is another text by now, only what V8 has of it', () => {
      const text = openSourceText(Buffer.from('a();\nb();\nc();'));
      const one = raw(urlOf(script), 2, 0, { inMemory: true, text });
      expect(frameOf(one)).toMatchObject({ file: script, line: 3, column: 1, code: 'c();' });
      expect(frameOf({ ...one, text: undefined })).not.toHaveProperty('code');
    });
  });

  it("of WebAssembly is none of the app's", () => {
    const frames = toFrames([raw('wasm://wasm/0a1b2c3d'), raw(urlOf(script), 0, 0)], {
      files: openSourceFiles(() => false),
      sourceLines: true,
    });
    expect(frames.map(({ internal }) => internal)).toEqual([true, false]);
    expect(culpritOf(frames)).toBe(frames[1]);
  });

  describe('is at the begin of its function', () => {
    const at = (text: string, from: string, mark: string): boolean =>
      beginsThere(
        raw('file:///x.js', 0, text.indexOf(mark), {
          from: { line: 0, column: text.indexOf(from) },
          inMemory: true,
          text: openSourceText(Buffer.from(text)),
        }),
        openSourceFiles(() => false),
      );

    it.each([
      ['function f(a) { b(); }', 'function', '(a)'],
      ['async function* f (a) { b(); }', 'async', '(a)'],
      ['x = function(a) { b(); }', 'function', '(a)'],
      ['x = (a) => b()', '(a)', '(a)'],
      ['x = a => b()', 'a =>', 'a =>'],
      ['x = { async m(a) { b(); } }', 'async', '(a)'],
    ])('%s', (text, from, mark) => {
      expect(at(text, from, mark)).toBe(true);
      expect(at(text, from, 'b()')).toBe(false);
    });

    it('also where a name stands on a line of its own', () => {
      const text = openSourceText(Buffer.from('function\n  f\n(a) { b(); }'));
      const one = raw('file:///x.js', 2, 0, { from: { line: 0, column: 0 }, inMemory: true, text });
      expect(
        beginsThere(
          one,
          openSourceFiles(() => false),
        ),
      ).toBe(true);
      expect(
        beginsThere(
          { ...one, columnNumber: 6 },
          openSourceFiles(() => false),
        ),
      ).toBe(false);
    });
  });

  it('never throws, whatever scripts and maps say of themselves', () => {
    const piece = fc.constantFrom(
      ...[
        'file://',
        'file:///',
        'host/',
        home,
        '/',
        '%2F',
        '%00',
        '%',
        '..',
        'app.js',
        'fifo',
        'zero',
        '\n',
        '\0',
      ],
      ...[
        'webpack:',
        'data:application/json',
        ';base64,',
        ',',
        '{"sources":[1],"mappings":"AAAA"}',
        '//[',
        '?',
        '#',
      ],
    );
    const url = fc.oneof(
      fc.array(piece, { maxLength: 6 }).map((all) => all.join('')),
      fc.webUrl(),
      fc.string(),
    );
    const position = fc.oneof(fc.nat(3), fc.constantFrom(-1, 2 ** 31, 1e9));
    fc.assert(
      fc.property(url, fc.option(url, { nil: undefined }), url, position, (script, told, source, index) => {
        put('said.js', `x();\n//# sourceMappingURL=said.map\n//# sourceMappingURL=${script}`);
        put(
          'said.map',
          JSON.stringify({ version: 3, sourceRoot: told, sources: [source], mappings: 'AAAA' }),
        );
        frameOf(raw(script, index, index, { sourceMapUrl: told }));
        frameOf(raw(urlOf(join(home, 'said.js')), index, index, { sourceMapUrl: told }));
      }),
      { numRuns: 500 },
    );
  });
});

describe('a file system that may never answer', () => {
  const mounts = (entry: string | undefined): ((path: string) => boolean) =>
    openMounts(
      entry,
      [
        '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
        '40 22 0:40 / /net/dead rw - nfs4 server:/ rw',
        '41 22 0:41 / /mnt/with\\040space rw - fuse.sshfs host: rw',
        `42 22 0:42 / ${home}/remote rw - cifs //server/share rw`,
        '43 40 0:43 / /net/dead/local rw - tmpfs tmpfs rw',
      ].join('\n'),
    );

  it('is not asked, nor by way of a link', () => {
    const mayHang = mounts('/app/main.js');
    expect(mayHang('/app/main.js')).toBe(false);
    expect(mayHang('/net/dead/src/a.ts')).toBe(true);
    expect(mayHang('/net/deadline/a.ts')).toBe(false);
    expect(mayHang('/mnt/with space/a.ts')).toBe(true);
    // To get there one has to pass through the other.
    expect(mayHang('/net/dead/local/a.ts')).toBe(true);
    symlinkSync('remote/src', join(home, 'link'));
    expect(mayHang(join(home, 'link', 'a.ts'))).toBe(true);
    symlinkSync('loop', join(home, 'loop'));
    expect(mayHang(join(home, 'loop', 'a.ts'))).toBe(true);
  });

  it('is, if the app itself lives on it', () => {
    expect(mounts('/net/dead/app/main.js')('/net/dead/src/a.ts')).toBe(false);
    expect(mounts('/net/dead/app/main.js')('/mnt/with space/a.ts')).toBe(true);
  });
});
