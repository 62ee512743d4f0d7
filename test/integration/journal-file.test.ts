import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Stall } from '../../src/types.js';
import { openJournalFile } from '../../worker/reports/journal-file.js';
import { keptByDisk } from '../../worker/system/own-calls.js';
import { killChildren, startChild } from '../support/child.js';
import { makeHome } from '../support/home.js';
import { scrape } from '../support/scrape.js';

let home: string;
let file: string;
beforeEach(() => {
  home = makeHome();
  file = join(home, 'stalls.jsonl');
});
afterEach(killChildren);

interface Line {
  readonly pid: number;
  readonly n: number;
}
const linesOf = (path: string): Line[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Line)
    : [];
/** A journal whose faults are kept. */
function open(options: Partial<Parameters<typeof openJournalFile>[1]> = {}) {
  const faults: { message: string; first: boolean }[] = [];
  const write = openJournalFile(file, {
    onError: ({ message }, first) => faults.push({ message, first }),
    ...options,
  });
  return { write, faults };
}

it('a disk that is slow keeps the sidecar, and it knows for how long', () => {
  const before = keptByDisk();
  const { write } = open({
    write(fd, bytes, offset) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60);
      return writeSync(fd, bytes, offset);
    },
  });
  write({ pid: 1, n: 1 });
  expect(keptByDisk() - before).toBeGreaterThanOrEqual(59);
});

describe('several processes with one journal', () => {
  const PROCESSES = 4;
  const ROUNDS = 40;
  /** Of some 240 bytes each. */
  const LINES_EACH = 100;
  /** Once a round it is full, and then not again. */
  const MAX_BYTES = 60_000;

  it('lose no line when it is set aside', async () => {
    const built = join(home, 'journal-file.mjs');
    buildSync({
      entryPoints: [fileURLToPath(new URL('../../worker/reports/journal-file.ts', import.meta.url))],
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: built,
    });
    const writers = Array.from({ length: PROCESSES }, () =>
      startChild('journal-writer.mjs', { args: [built] }),
    );
    await Promise.all(writers.map((writer) => writer.message('ready')));
    for (let round = 0; round < ROUNDS; round++) {
      const one = join(home, `round-${round}.jsonl`);
      for (const writer of writers) writer.send({ file: one, count: LINES_EACH, maxBytes: MAX_BYTES });
      const done = await Promise.all(writers.map((writer) => writer.message<{ lost: number }>('done')));
      expect(done).toEqual(writers.map(() => ({ lost: 0 })));
      const kept = [...linesOf(`${one}.1`), ...linesOf(one)];
      expect(kept).toHaveLength(PROCESSES * LINES_EACH);
      for (const { process: writer } of writers) {
        const own = kept.filter(({ pid }) => pid === writer.pid).map(({ n }) => n);
        expect(own).toEqual(Array.from({ length: LINES_EACH }, (_, n) => n));
      }
      expect(statSync(`${one}.1`).size).toBeGreaterThan(MAX_BYTES);
      expect(existsSync(`${one}.lock`)).toBe(false);
    }
  });
});

describe('a journal that is long enough', () => {
  const row = (n: number) => ({ n, text: 'x'.repeat(80) });

  it('is set aside, and so is the next', () => {
    const { write, faults } = open({ maxBytes: 1000 });
    for (let n = 0; n < 100; n++) write(row(n));
    expect(statSync(`${file}.1`).size).toBeGreaterThan(1000);
    expect(statSync(`${file}.1`).size).toBeLessThan(1200);
    const kept = [...linesOf(`${file}.1`), ...linesOf(file)].map(({ n }) => n);
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, i) => 100 - kept.length + i));
    expect(readdirSync(home).sort()).toEqual(
      ['stalls.jsonl', 'stalls.jsonl.1'].slice(existsSync(file) ? 0 : 1),
    );
    expect(faults).toEqual([]);
  });

  it('is left in place while another process is at it, for as long again; then lines are lost', () => {
    writeFileSync(`${file}.lock`, '');
    const { write, faults } = open({ maxBytes: 1000 });
    for (let n = 0; n < 30; n++) write(row(n));
    expect(existsSync(`${file}.1`)).toBe(false);
    expect(statSync(file).size).toBeLessThan(2200);
    expect(linesOf(file)).toHaveLength(30 - faults.length);
    expect(faults[0]).toEqual({
      message: `${file} is full, and cannot be set aside: ${file}.lock is there already`,
      first: true,
    });
    expect(faults.filter(({ first }) => first)).toHaveLength(1);

    // Nobody takes that long: it was killed.
    const before = Date.now() / 1000 - 61;
    utimesSync(`${file}.lock`, before, before);
    const lost = faults.length;
    for (let n = 30; n < 33; n++) write(row(n));
    expect(faults).toHaveLength(lost + 1);
    expect([...linesOf(`${file}.1`), ...linesOf(file)]).toHaveLength(33 - lost - 1);
    expect(existsSync(`${file}.lock`)).toBe(false);
  });

  it('is written to for as long again if it cannot be set aside', () => {
    mkdirSync(`${file}.1`);
    const { write, faults } = open({ maxBytes: 1000 });
    for (let n = 0; n < 30; n++) write(row(n));
    expect(statSync(file).size).toBeGreaterThan(2000);
    expect(linesOf(file)).toHaveLength(30 - faults.length);
    expect(faults[0]?.message).toMatch(/is full, and cannot be set aside: E\w+:/);
    expect(existsSync(`${file}.lock`)).toBe(false);
  });
});

describe('a line that is not written to its end', () => {
  it('goes on where the disk took a part of it', () => {
    const { write, faults } = open({
      write: (fd, bytes, offset) => writeSync(fd, bytes, offset, Math.min(7, bytes.length - offset)),
    });
    write({ n: 1 });
    write({ n: 2, text: 'longer than what is taken at once: ü€漢👩‍💻' });
    expect(readFileSync(file, 'utf8')).toBe(
      '{"n":1}\n{"n":2,"text":"longer than what is taken at once: ü€漢👩‍💻"}\n',
    );
    expect(faults).toEqual([]);
  });

  it.each([['with an error'], ['without one']])(
    'because the disk is full, which ends %s, is counted, and the next begins on a new one',
    (how) => {
      let room = Number.POSITIVE_INFINITY;
      const { write, faults } = open({
        write(fd, bytes, offset) {
          const count = Math.min(room, bytes.length - offset);
          if (count === 0 && how === 'with an error') throw new Error('ENOSPC');
          room -= count;
          return count === 0 ? 0 : writeSync(fd, bytes, offset, count);
        },
      });
      write({ n: 1 });
      room = 4;
      write({ n: 2 });
      write({ n: 3 });
      expect(faults.map(({ first }) => first)).toEqual([true, false]);
      room = Number.POSITIVE_INFINITY;
      write({ n: 4 });
      write({ n: 5 });
      expect(readFileSync(file, 'utf8')).toBe('{"n":1}\n{"n"\n{"n":4}\n{"n":5}\n');
      expect(faults).toHaveLength(2);
    },
  );

  it('by another process does not take the next one along', () => {
    writeFileSync(file, '{"n":1}\n{"n":');
    const { write } = open();
    write({ n: 3 });
    write({ n: 4 });
    expect(readFileSync(file, 'utf8')).toBe('{"n":1}\n{"n":\n{"n":3}\n{"n":4}\n');
  });

  it('into a pipe that is full is told from the next one, too', () => {
    execFileSync('mkfifo', [file]);
    const { write, faults } = open();
    write({ n: 0 });
    expect(faults).toMatchObject([{ message: expect.stringContaining('ENXIO'), first: true }]);

    const reader = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const read = (): string => {
        const bytes = Buffer.alloc(2 ** 20);
        return bytes.toString('utf8', 0, readSync(reader, bytes));
      };
      let n = 0;
      // Longer than what a pipe takes whole or not at all.
      while (faults.length < 2) write({ n: n++, text: 'x'.repeat(5000) });
      const text = read();
      write({ n });
      const lines = (text + read()).split('\n').filter(Boolean);
      const whole = lines.filter((line) => line.endsWith('}')).map((line) => (JSON.parse(line) as Line).n);
      expect(whole).toEqual([...Array.from({ length: n - 1 }, (_, i) => i), n]);
      expect(faults).toHaveLength(2);
    } finally {
      closeSync(reader);
    }
  });
});

describe('the journal of a process that may write no more', () => {
  it('counts the lines that are lost, a torn one too; the next process goes on with it', async () => {
    // Files of at most 4 KiB: its first line is torn. The journal is the only file it writes.
    const old = `${JSON.stringify({ type: 'old', text: 'x'.repeat(3980) })}\n`;
    writeFileSync(file, old);
    expect(old.length).toBeLessThan(4096);
    const options = JSON.stringify({ journal: file, log: false });
    const full = startChild('app.mjs', {
      args: [options],
      under: ['sh', '-c', 'ulimit -f 8; exec "$0" "$@"'],
    });
    const { url } = await full.message<{ url: string }>('ready');
    full.send({ deed: 'spin', value: 400 });
    await full.message('stall');
    const { stalls } = (await (await fetch(`${url}/api/stalls`)).json()) as { stalls: Stall[] };
    // One each at least; of short ones there is no begin.
    expect((await scrape(url)).value('watchdog_journal_errors_total')).toBeGreaterThanOrEqual(stalls.length);
    expect(await full.message('warning')).toMatchObject({ message: expect.stringContaining('EFBIG') });
    await full.kill();
    expect(statSync(file).size).toBe(4096);

    const next = startChild('app.mjs', { args: [options] });
    await next.message('ready');
    next.send({ deed: 'spin', value: 400 });
    const { id } = await next.message<Stall>('stall');
    const [first, torn, ...rest] = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(`${first}\n`).toBe(old);
    expect(torn).toMatch(/^\{"type":/);
    expect(torn).toHaveLength(4096 - old.length);
    const written = rest.map((line) => JSON.parse(line) as { type: string; stall: Stall });
    expect(written.find(({ type, stall }) => type === 'end' && stall.id === id)).toBeDefined();
  });

  it('is set aside when it is long enough', async () => {
    const old = `${JSON.stringify({ type: 'old' })}\n`;
    writeFileSync(file, old.repeat(Math.ceil((10 * 2 ** 20) / old.length)));
    const app = startChild('app.mjs', { args: [JSON.stringify({ journal: file, log: false })] });
    await app.message('ready');
    for (let stalls = 0; stalls < 2; stalls++) {
      app.send({ deed: 'spin', value: 400 });
      await app.message('stall');
    }
    expect(statSync(`${file}.1`).size).toBeGreaterThan(10 * 2 ** 20);
    expect(statSync(file).size).toBeLessThan(2 ** 20);
    expect(readdirSync(home).sort()).toEqual(['stalls.jsonl', 'stalls.jsonl.1']);
  });
});
