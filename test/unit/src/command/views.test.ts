import { describe, expect, it } from 'vitest';
import type { Process } from '../../../../src/command/processes.js';
import { linesOfStall, linesOfStalls } from '../../../../src/command/stalls-view.js';
import { tableOf } from '../../../../src/command/table.js';
import { linesOfTop } from '../../../../src/command/top-view.js';
import { bytes, duration, percent } from '../../../../src/command/words.js';
import type { Status } from '../../../../src/shared/status.js';
import { blockedLoop, CULPRIT, loopOf, stallOf, statusOf } from '../../../support/status.js';

it('a figure that is not known is a dash', () => {
  expect([duration(undefined), bytes(undefined), percent(undefined), duration(5)]).toEqual([
    '-',
    '-',
    '-',
    '5.0 ms',
  ]);
});

describe('a table', () => {
  const columns = [
    { title: 'N', cell: (row: string[]) => row[0] as string, right: true },
    { title: 'MORE', cell: (row: string[]) => row[1] as string, drop: 1 },
    { title: 'LAST', cell: (row: string[]) => row[2] as string },
  ];

  it('has figures under each other, and no blanks at the end', () => {
    expect(
      tableOf(columns, [
        ['1', 'a', ''],
        ['100', 'long', 'x'],
      ]),
    ).toEqual(['  N  MORE  LAST', '  1  a', '100  long  x']);
  });

  it('where there is no room leaves out what matters least, and cuts the last column, between characters', () => {
    const [, line] = tableOf(columns, [['1', 'a', '👍'.repeat(50)]], 32);
    expect(line).toBe(`1  ${'👍'.repeat(28)}…`);
    expect(tableOf(columns, [['1', 'a', 'x']], 33)[0]).toBe('N  MORE  LAST');
  });
});

const processOf = (port: number, status: Status | undefined, more: Partial<Process> = {}): Process => ({
  url: new URL(`http://127.0.0.1:${port}`),
  pid: '4711',
  app: 'shop',
  worker: undefined,
  status,
  trouble: undefined,
  ...more,
});
const POOLS = [
  { name: 'mail', capacity: 4, active: 1, queued: 0, completed: 1, threads: 4 },
  { name: 'images', capacity: 8, active: 8, queued: 12, completed: 1, threads: 8 },
];

describe('top', () => {
  const processes = [
    processOf(
      9464,
      statusOf([blockedLoop({ requests: [{ name: 'GET /report', samples: 9 }] })], { pools: POOLS }),
    ),
    processOf(9465, statusOf([loopOf(), loopOf({ thread: 'indexer', state: 'late', lagMs: 55 })])),
    processOf(9466, statusOf(), { trouble: 'no answer for 7 s' }),
  ];

  it('has a line for each event loop, the stall under way, and no figures of one that is silent', () => {
    expect(linesOfTop(processes, 'now', {})).toEqual([
      'shop: 3 processes, 1 blocked, 1 silent, 1 late, 1 turning  now',
      '',
      ' PID  PORT  APP   THREAD   STATE         LAG  MAX 60s   UTIL  STALLS  POOL                RSS  NOW',
      '4711  9464  shop  main     blocked    12.3 s   12.3 s  100 %       3  images 8/8 +12  182 MiB  cpu in renderInvoice (src/invoice.ts:41), GET /report',
      '4711  9465  shop  main     turning    0.4 ms    35 ms   12 %       3  -               182 MiB',
      '4711  9465  shop  indexer  late        55 ms    35 ms   12 %       3',
      '4711  9466  shop           silent          -        -      -       -  -                     -  no answer for 7 s',
    ]);
  });

  it('has no figures of a loop that has not turned yet', () => {
    const status = statusOf([loopOf({ state: 'starting', lagMs: 0, lagMaxMs: 0 })]);
    expect(linesOfTop([processOf(9464, status)], '', {})[3]).toMatch(/ starting +- +- /);
  });

  it('fits the screen: the narrower, the fewer columns, and never without the culprit', () => {
    for (const width of [140, 100, 80, 66]) {
      const lines = linesOfTop(processes, '', { width });
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
      expect(lines.join('\n')).toMatch(/blocked +12\.3 s.*cpu in renderInvo/);
    }
  });

  it('of more than the screen is high shows those first that somebody looks for', () => {
    const calm = Array.from({ length: 30 }, (_, i) => processOf(9500 + i, statusOf()));
    const lines = linesOfTop([...calm, ...processes], '', { height: 8, width: 120 });
    expect(lines).toHaveLength(8);
    expect(lines[3]).toContain('blocked');
    expect(lines.at(-1)).toBe('… and 30 more, for which the screen is too low');
    expect(linesOfTop(processes, '', { height: 7 })).toHaveLength(7);
  });

  it('marks by colour what its words say, and nothing without', () => {
    const [, , , line] = linesOfTop(processes, '', { color: true });
    expect(line).toContain('\u001b[1;31mblocked\u001b[0m  ');
    expect(linesOfTop(processes, '', {}).join('')).not.toContain('\u001b');
  });

  it('is as wide whatever its figures are: it does not jump', () => {
    const headOf = (loop: Parameters<typeof loopOf>[0]): string | undefined =>
      linesOfTop([processOf(9464, statusOf([loopOf(loop)]))], '', { width: 80 })[2];
    const heads = [{}, blockedLoop(), { state: 'starting', lagMs: 0 }, { utilization: 1 }] as const;
    expect(new Set(heads.map(headOf)).size).toBe(1);
  });
});

describe('stalls', () => {
  const offenders = [
    {
      cause: 'cpu',
      where: 'renderInvoice /srv/shop/src/invoice.ts:41',
      count: 3,
      totalSeconds: 4.2,
      overSeconds: 0,
    },
    { cause: 'gc', count: 1, totalSeconds: 0.2, overSeconds: 0.1 },
  ];

  it('have the newest last, and one that goes on after it', () => {
    const older = stallOf({ id: '1-a-1', durationMs: 250, cause: 'gc' });
    const newer = stallOf({ startedAt: '2026-02-03T05:00:00.000Z', culprit: CULPRIT });
    const running = stallOf({ id: '1-a-9', startedAt: '2026-02-03T06:00:00.000Z', durationMs: 700 });
    expect(
      linesOfStalls({ stalls: [newer, older], offenders }, statusOf([loopOf({ stall: running })]), '9465'),
    ).toEqual([
      'Worst offenders',
      '   TOTAL  STALLS  CAUSE  WHERE',
      '   4.2 s       3  cpu    renderInvoice /srv/shop/src/invoice.ts:41',
      '≤ 200 ms       1  gc     -',
      '',
      'Latest stalls',
      'STARTED (UTC)         LENGTH  CAUSE  ID                           WHERE, REQUEST',
      '04:05:06              250 ms  gc     1-a-1',
      '05:00:00              12.3 s  cpu    4711-mif7kq3at0r4xk2m9qp-12  renderInvoice (src/invoice.ts:41)',
      '06:00:00       700 ms so far  cpu    1-a-9',
      '',
      'All of one: event-loop-watchdog stalls 1-a-9 9465',
    ]);
    expect(linesOfStalls({ stalls: [], offenders: [] }, undefined)).toEqual(['There has been no stall yet.']);
  });

  it('are not told to be none where a sidecar has taken with it what it knew', () => {
    const fresh = statusOf([loopOf({ stalls: 3 })]);
    const status = { ...fresh, process: { ...fresh.process, sidecarRestarts: 1 } };
    const lost = 'Those before the sidecar was replaced are not known any more: 3 stalls in all.';
    expect(linesOfStalls({ stalls: [], offenders: [] }, status)).toEqual([lost]);
    expect(linesOfStalls({ stalls: [stallOf({})], offenders: [] }, status)).toContain(lost);
    expect(linesOfStalls({ stalls: [], offenders: [] }, fresh)).not.toContain(lost);
  });

  it('of several days and threads say so; of many the latest are shown', () => {
    const stalls = Array.from({ length: 30 }, (_, i) => stallOf({ id: `1-a-${30 - i}`, thread: 'indexer' }));
    const lines = linesOfStalls(
      { stalls: [stallOf({ startedAt: '2026-02-04T00:00:00Z' }), ...stalls], offenders: [] },
      undefined,
    );
    expect(lines[0]).toBe('Latest stalls, without 11 older ones (--json has them)');
    expect(lines[2]).toMatch(/^2026-02-03 04:05:06 +12\.3 s +cpu +indexer +1-a-12$/);
    expect(lines.at(-3)).toMatch(/^2026-02-04 00:00:00 /);
  });

  it('one by one tell all that is known', () => {
    const request = { name: 'GET /report', traceId: '4bf9', spanId: '00f0', context: { user: 7 } };
    const stall = stallOf({
      cpuMs: 12_000,
      runQueueMs: 300,
      nativeMs: 2000,
      state: 'R',
      syscall: 'read',
      culprit: { ...CULPRIT, code: 'while (rows.some(isOpen)) settle(rows);' },
      hot: [{ frame: CULPRIT, share: 0.96 }],
      samples: 20,
      requests: [{ ...request, samples: 18 }],
      stacks: [
        { atMs: 210, result: 'captured', frames: [CULPRIT], nativeMs: 30 },
        { atMs: 400, result: 'unanswered', frames: [] },
      ],
    });
    expect(linesOfStall(stall, false)).toEqual([
      'Stall 4711-mif7kq3at0r4xk2m9qp-12 of main',
      '  started  2026-02-03T04:05:06.789Z',
      '  length   12.3 s',
      '  cause    cpu: 12.0 s on a CPU, 300 ms waiting for one, 2.0 s in native code',
      '  state    R in read',
      '  culprit  renderInvoice (/srv/shop/src/invoice.ts:41:12)',
      '             while (rows.some(isOpen)) settle(rows);',
      '  request  GET /report, trace 4bf9, span 00f0, {"user":7}, in 18 of 20 samples',
      '  hot       96 %  renderInvoice (/srv/shop/src/invoice.ts:41:12)',
      '',
      '  after 210 ms: captured, native code for 30 ms',
      '    at renderInvoice (/srv/shop/src/invoice.ts:41:12)',
      '',
      '  after 400 ms: unanswered',
      '',
      'Its 20 samples as a CPU profile: event-loop-watchdog profile --stall 4711-mif7kq3at0r4xk2m9qp-12',
    ]);
    expect(linesOfStall(stallOf(), true)).toContain('  length   12.3 s so far');
  });
});
