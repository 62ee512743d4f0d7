import { beforeEach, describe, expect, it } from 'vitest';
import type { CaptureResult } from '../../../../src/shared/labels.js';
import { type Budget, createBudget } from '../../../../worker/captures/budget.js';
import type { Inspector } from '../../../../worker/captures/client.js';
import {
  type CapturePlan,
  createCaptures,
  planCaptures,
  type StallCaptures,
} from '../../../../worker/captures/plan.js';
import type { FollowNews, FollowSample, Site } from '../../../../worker/inspector/messages.js';

/** A row of looks that was asked for, as the inspector thread has it. */
interface Row {
  readonly request: { readonly turn: number; readonly budgetMs: number };
  readonly tell: (news: FollowNews) => void;
  readonly end: (result: CaptureResult) => Promise<void>;
  released: boolean;
}

const site = (name: string): Site => ({
  frame: { function: name, file: '/a.js', line: 1, column: 1, internal: false },
  fn: name,
});
const sample = (index: number, over: Partial<FollowSample> = {}): FollowSample => ({
  index,
  atMs: 200 + 50 * index,
  seenMs: 200 + 50 * index,
  result: 'captured',
  stack: [0],
  costMs: 1,
  ...over,
});

let unavailable: string | undefined;
let rows: Row[];
let prepared: number;
let counted: CaptureResult[];
let reasons: string[];
let plan: CapturePlan;
/** What looks at all threads may cost the one that passes them on. */
let mains: Budget;

beforeEach(() => {
  [unavailable, rows, prepared, counted, reasons] = [undefined, [], 0, [], []];
  const inspector: Partial<Inspector> = {
    get unavailable() {
      return unavailable;
    },
    prepare: () => void prepared++,
    follow(request, tell) {
      let settle: (result: CaptureResult) => void;
      const over = new Promise<CaptureResult>((resolve) => {
        settle = resolve;
      });
      const row: Row = {
        request,
        tell,
        released: false,
        async end(result) {
          settle(result);
          await new Promise((resolve) => setImmediate(resolve));
        },
      };
      rows.push(row);
      return {
        over,
        release: () => {
          row.released = true;
        },
      };
    },
  };
  mains = createBudget();
  plan = planCaptures({
    inspector: inspector as Inspector,
    mains,
    target: { threadId: 0, loop: undefined, taskDirectory: undefined },
    firstMs: 200,
    onCapture: (result) => counted.push(result),
    onUnavailable: (reason) => reasons.push(reason),
  });
});

/** As the poll does: every 50 ms. */
function note(captures: StallCaptures, fromMs: number, toMs: number, startMs = 0): void {
  for (let stallMs = fromMs; stallMs <= toMs; stallMs += 50)
    plan.note(startMs + stallMs, { turn: 7, startMs, stallMs }, captures);
}
const resultsOf = ({ samples }: StallCaptures) => samples.all().map(({ result }) => result);

describe('the plan of captures', () => {
  it('has a stall followed from the first look on, once, its thread made ready before', () => {
    const captures = createCaptures();
    note(captures, 50, 150);
    expect([prepared > 0, rows.length]).toEqual([true, 0]);
    note(captures, 200, 1000);
    expect(rows).toHaveLength(1);
    expect(rows[0]?.request).toMatchObject({ turn: 7, budgetMs: 3000 });
    plan.release(captures);
    expect(rows[0]?.released).toBe(true);
  });

  it('charges the main thread what it passes on, and asks for nothing that it cannot afford', async () => {
    const captures = createCaptures();
    note(captures, 200, 200);
    const { tell, end } = rows[0] as Row;
    for (const index of [0, 1, 2]) tell({ sample: sample(index), sites: new Map([[0, site('f')]]) });
    await end('captured');
    expect(mains.leftMs(1000)).toBeCloseTo(3000 - 3 * 0.3);
    mains.spend(1000, 3000, false);
    const next = createCaptures();
    note(next, 200, 300, 20_000);
    expect(rows).toHaveLength(1);
    expect(resultsOf(next)).toEqual(['over_budget']);
  });

  it('takes samples as they come, and their locations as they are mapped', async () => {
    const captures = createCaptures();
    note(captures, 200, 200);
    const { tell, end } = rows[0] as Row;
    tell({ sample: sample(0), sites: new Map([[0, site('raw')]]) });
    tell({ sample: sample(1, { stack: [1, 0] }), sites: new Map([[1, site('inner')]]) });
    tell({ sites: new Map([[0, site('mapped')]]) });
    const all = captures.samples.all();
    expect(all.map(({ frames }) => frames.map((frame) => frame.function))).toEqual([
      ['mapped'],
      ['inner', 'mapped'],
    ]);
    // The first stands for no more than one that comes so soon.
    expect(all.map(({ forMs }) => forMs)).toEqual([50, 50]);
    await end('captured');
    plan.conclude(captures);
    expect(counted).toEqual(['captured']);
  });

  it.each<[string, Partial<FollowSample>]>([
    ['late', { result: 'late', stack: [], seenMs: undefined as never }],
    ['not answered', { result: 'unanswered', stack: [], seenMs: undefined as never }],
  ])('a first look that was %s keeps no later one from being told', (_, over) => {
    const captures = createCaptures();
    note(captures, 200, 200);
    const { tell } = rows[0] as Row;
    tell({ sample: sample(0, over), sites: new Map() });
    tell({ sample: sample(1), sites: new Map([[0, site('hot')]]) });
    expect(captures.samples.all()[1]).toMatchObject({ result: 'captured', frames: [{ function: 'hot' }] });
    expect(counted).toEqual(['captured']);
  });

  it('tries anew while the stall goes on, if its thread has died of it: three times in all', async () => {
    const captures = createCaptures();
    for (let n = 1; n <= 5; n++) {
      note(captures, 200 * n, 200 * n);
      expect(rows).toHaveLength(Math.min(n, 3));
      await rows.at(-1)?.end('failed');
    }
    expect(resultsOf(captures)).toEqual(['failed']);
    plan.conclude(captures);
    expect(counted).toEqual(['failed']);
  });

  it('looks later into a stall for which the budget had nothing at first', async () => {
    for (let n = 0; n < 3; n++) {
      const captures = createCaptures();
      note(captures, 200, 200, n);
      await rows.at(-1)?.end('captured');
    }
    const captures = createCaptures();
    note(captures, 200, 1000, 1000);
    expect(rows).toHaveLength(3);
    expect(resultsOf(captures)).toEqual(['over_budget']);
    note(captures, 1050, 6000, 1000);
    expect(rows).toHaveLength(4);
  });

  it('says once why there can be no look, and lets go of a process to which a debugger comes', async () => {
    unavailable = 'a debugger is attached';
    const captures = createCaptures();
    note(captures, 200, 1000);
    expect([rows.length, reasons, resultsOf(captures)]).toEqual([0, [unavailable], ['unavailable']]);
    unavailable = undefined;
    note(captures, 1050, 1050);
    expect(rows).toHaveLength(1);
    unavailable = 'a debugger is attached';
    note(captures, 1100, 1100);
    expect(rows[0]?.released).toBe(true);
    await rows[0]?.end('captured');
    // It is gone again.
    unavailable = undefined;
    note(captures, 1150, 1150);
    expect(rows).toHaveLength(2);
  });
});
