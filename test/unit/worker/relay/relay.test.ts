import { describe, expect, it } from 'vitest';
import type { RelayAnswer } from '../../../../src/shared/protocol.js';
import { fitting } from '../../../../src/sidecar/relay.js';
import { createRelay } from '../../../../worker/relay/relay.js';

const said = (text: string, costMs = 1, leftOut = 0): RelayAnswer => ({
  text: new TextEncoder().encode(text),
  contentType: 'text/plain',
  costMs,
  leftOut,
});

describe('relay', () => {
  const loop = (fetch: () => Promise<RelayAnswer>, frozen?: boolean) => {
    let now = 0;
    let errors = 0;
    let turns = 0;
    const dropped: (readonly [string, number])[] = [];
    const relay = createRelay({
      fetch,
      now: () => now,
      // It turns whenever it is asked for, unless it is frozen.
      turns: () => (frozen ? turns : turns++),
      onError: () => errors++,
      onDrop: (reason, count) => dropped.push([reason, count]),
      labels: {},
      processMetrics: true,
      ...(frozen !== undefined && { giveUpMs: 50 }),
    });
    const text = async (): Promise<string> =>
      Buffer.concat((await relay.pieces()).map(({ plain }) => plain)).toString();
    return { relay, text, dropped, errors: () => errors, pass: (ms: number) => (now += ms) };
  };

  it('serves the last copy, with its age, when main cannot answer', async () => {
    let asked = 0;
    const { relay, text, pass } = loop(async () => said(`mine ${++asked}\n`));
    expect(await text()).toBe('');
    expect(relay.ageMs(0)).toBeUndefined();
    await relay.refresh(false, undefined);
    await relay.refresh(true, undefined);
    expect(asked).toBe(1);
    expect(await text()).toBe('mine 1\n');
    expect(relay.ageMs(pass(4000))).toBe(4000);
  });

  it('asks one question at a time, and goes by its deadline', async () => {
    let asked = 0;
    const { relay } = loop(() => {
      asked++;
      return new Promise(() => {});
    });
    await relay.refresh(false, 100);
    await relay.refresh(false, 100);
    expect(asked).toBe(1);
  });

  it.each([
    [true, 0],
    [false, 1],
  ])('gives up a question that is not answered; main frozen: %s, faults: %i', async (frozen, faults) => {
    let asked = 0;
    const { relay, errors } = loop(() => {
      asked++;
      return new Promise(() => {});
    }, frozen);
    // A question is asked anew once the one before is given up.
    while (asked < 2) await relay.refresh(false, 20);
    expect(errors()).toBe(faults);
  });

  it('counts a registry that throws, and asks again', async () => {
    let asked = 0;
    const { relay, text, errors } = loop(async () => {
      if (++asked === 1) return { fault: 'no', costMs: 1 };
      return said('mine 1\n');
    });
    await relay.refresh(false, undefined);
    expect(errors()).toBe(1);
    await relay.refresh(false, undefined);
    expect(await text()).toBe('mine 1\n');
  });

  it('takes a twentieth of the time of main, and what it has saved', async () => {
    let asked = 0;
    const { relay, text, pass } = loop(async () => said(`mine ${++asked}\n`, 300));
    // Two in a row, which is paid off then.
    for (const wanted of [1, 2, 2]) {
      await relay.refresh(false, undefined);
      expect(asked).toBe(wanted);
    }
    expect(await text()).toBe('mine 2\n');
    pass(1990);
    await relay.refresh(false, undefined);
    expect(asked).toBe(2);
    pass(20);
    await relay.refresh(false, undefined);
    expect(asked).toBe(3);
    for (let second = 0; second < 600; second++) {
      pass(1000);
      await relay.refresh(false, undefined);
    }
    expect(asked - 3).toBeLessThanOrEqual((600 * 1000 * 0.05) / 300);
  });

  it('a registry that throws gets no more', async () => {
    let asked = 0;
    const { relay, errors } = loop(async () => ({ fault: 'no', costMs: 300 + asked++ }));
    for (let scrapes = 0; scrapes < 5; scrapes++) await relay.refresh(false, undefined);
    expect(errors()).toBe(2);
  });

  it('counts the families that did not fit; where none does it does not ask again soon', async () => {
    let asked = 0;
    const { relay, text, dropped, errors, pass } = loop(async () =>
      said(++asked === 1 ? 'mine 1\n' : '', 1, 2),
    );
    for (let scrapes = 0; scrapes < 9; scrapes++) {
      await relay.refresh(false, undefined);
      pass(60_000);
    }
    expect(asked).toBe(2);
    expect(dropped).toEqual([
      ['too_large', 2],
      ['too_large', 2],
    ]);
    expect(await text()).toBe('');
    expect(errors()).toBe(0);
  });
});

describe('what fits of a registry', () => {
  const family = (name: string, samples: number): string =>
    `# HELP ${name} Größe.\n# TYPE ${name} gauge\n${`${name} 1\n`.repeat(samples)}`;

  it('is all of it, or whole families in order', () => {
    const [one, large, two] = [family('one', 3), family('large', 100), family('two', 3)];
    const text = [one, large, two].join('\n');
    expect(fitting(text, 2000)).toEqual({ text, leftOut: 0 });
    const room = Buffer.byteLength(`${one}\n${two}`);
    expect(fitting(text, room)).toEqual({ text: `${one}\n${two}`, leftOut: 1 });
    // Bytes, not characters.
    expect(fitting(text, room - 1)).toEqual({ text: `${one}\n`, leftOut: 2 });
    expect(fitting(large, 100)).toEqual({ text: '', leftOut: 1 });
  });

  it('knows families by their comments, with an empty line between them or not', () => {
    const bare = '# TYPE a gauge\na 1\n# TYPE b gauge\n# HELP b B.\nb 1\nb 2';
    expect(fitting(bare, 19).leftOut).toBe(1);
    expect(fitting(bare, 19).text).toBe('# TYPE a gauge\na 1\n');
    expect(fitting(`stray 1\n${bare}`, 27).text).toBe('stray 1\n# TYPE a gauge\na 1\n');
    expect(fitting('no comments at all 1\n', 10)).toEqual({ text: '', leftOut: 1 });
  });
});
