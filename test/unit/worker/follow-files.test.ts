import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { followFiles, readSmallFile } from '../../../worker/follow-files.js';
import { makeHome } from '../../support/home.js';

let home: string;
let file: string;
beforeEach(() => {
  home = makeHome();
  file = join(home, 'file');
});

describe('a small file', () => {
  it('is read whole, through a link, and also where its size is not known before', () => {
    writeFileSync(file, 'ü€');
    symlinkSync(file, join(home, 'link'));
    expect(readSmallFile(join(home, 'link'), 5).text).toBe('ü€');
    // Files that the system makes up say that they are empty.
    if (process.platform === 'linux') expect(readSmallFile('/proc/self/stat', 4096).text).not.toBe('');
  });

  it.each<[string, (path: string) => void]>([
    ['larger', (path) => writeFileSync(path, '123456')],
    ['a directory', (path) => mkdirSync(path)],
    ['a pipe', (path) => execFileSync('mkfifo', [path])],
    ['a device', (path) => symlinkSync('/dev/zero', path)],
  ])('is not %s', (_, make) => {
    make(file);
    expect(() => readSmallFile(file, 5)).toThrow(`${file} is not a file of at most 5 bytes`);
  });

  it.runIf(process.platform === 'linux')('is not one that turns out to be larger', () => {
    expect(statSync('/proc/self/status').size).toBe(0);
    expect(() => readSmallFile('/proc/self/status', 5)).toThrow('is not a file of at most 5 bytes');
  });
});

describe('files that are followed', () => {
  /** Each poll comes when it is time for one. */
  function follow(make = ([text = '']: readonly string[]): string => text) {
    const faults: { message: string; kept: string | undefined }[] = [];
    let nowMs = 0;
    const followed = followFiles(
      [file],
      make,
      () => nowMs,
      ({ message }, kept) => faults.push({ message, kept }),
    );
    const poll = (): string | undefined => {
      nowMs += 1000;
      return followed.current();
    };
    return { poll, followed, faults };
  }

  it('give nothing until they can be used, the last good ones after; each fault is told once', () => {
    const { poll, followed, faults } = follow(([text = '']) => {
      if (text === 'bad') throw new Error('bad');
      return text;
    });
    expect(poll()).toBeUndefined();
    expect(poll()).toBeUndefined();
    expect(followed.fault()?.message).toContain('ENOENT');
    writeFileSync(file, 'bad');
    expect(poll()).toBeUndefined();
    expect(poll()).toBeUndefined();
    writeFileSync(file, 'good');
    expect(followed.current(), 'it is not yet time to look').toBeUndefined();
    expect(poll()).toBe('good');
    expect(followed.fault()).toBeUndefined();
    rmSync(file);
    expect(poll()).toBe('good');
    writeFileSync(file, 'better');
    expect(poll()).toBe('better');
    rmSync(file);
    expect(poll()).toBe('better');
    expect(faults).toMatchObject([
      { message: expect.stringContaining('ENOENT'), kept: undefined },
      { message: 'bad', kept: undefined },
      { message: expect.stringContaining('ENOENT'), kept: 'good' },
      { message: expect.stringContaining('ENOENT'), kept: 'better' },
    ]);
  });

  it('are read again when they were written in place with the old size and date', () => {
    writeFileSync(file, 'one');
    const { atime, mtime } = statSync(file);
    const { poll } = follow();
    expect(poll()).toBe('one');
    const { ctimeMs } = statSync(file);
    // The system's clock of files may tick as seldom as a hundred times a second.
    do {
      writeFileSync(file, 'two');
      utimesSync(file, atime, mtime);
    } while (statSync(file).ctimeMs === ctimeMs);
    expect(poll()).toBe('two');
  });

  it('are made anew only when they change', () => {
    writeFileSync(file, 'one');
    let made = 0;
    const { poll } = follow(([text = '']) => {
      made++;
      return text;
    });
    for (let i = 0; i < 5; i++) expect(poll()).toBe('one');
    expect(made).toBe(1);
  });
});
