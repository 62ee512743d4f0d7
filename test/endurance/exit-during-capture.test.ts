import { afterEach, describe, expect, it } from 'vitest';
import { type Exit, killChildren, startChild } from '../support/child.js';

afterEach(killChildren);

const MOMENTS = 20;
/** One for each CPU of a small machine: more would be held up by each other, and take it for a look. */
const AT_ONCE = 2;
/** The longest of them take half a second of their own time; one that froze never ends. */
const DEADLINE_MS = 120_000;
/**
 * The look is due 50 ms into the stall; the sidecar, which looks five times a second, takes it 200 ms later
 * at most.
 */
const FROM_MS = 50;
const UNTIL_MS = 250;
/** In this time there are some three looks, with the session open from one to the next. */
const AFTER_LOOK_MS = 150;

interface Way {
  readonly way: string;
  readonly ends: Pick<Exit, 'code' | 'signal'>;
  /** Whether the parent has to send it a SIGTERM. */
  readonly told?: boolean;
  /** Whether the inspector's port is open, as error trackers leave it. */
  readonly inspector?: boolean;
  /**
   * Whether Node.js may say that it waits for the debugger (it does not wait). A signal that a process sends
   * to itself ends it as an exit does, but without the `exit` event, at which the look could be broken off.
   */
  readonly maySayItWaits?: boolean;
  readonly moments?: number;
}

const code = (number: number): Way['ends'] => ({ code: number, signal: null });
const sigterm: Way['ends'] = { code: null, signal: 'SIGTERM' };

/** Half of the moments are spread over the stall, half follow upon its being opened for the look. */
function momentOf(n: number, moments: number): string[] {
  const share = (((n - (n % 2)) % moments) + 2 * Math.random()) / moments;
  return n % 2 === 0
    ? [(FROM_MS + share * (UNTIL_MS - FROM_MS)).toFixed(2), 'begun']
    : [(share * AFTER_LOOK_MS).toFixed(2), 'looking'];
}

async function end({ way, told, inspector }: Way, moment: string[]): Promise<Exit & { readonly ms: number }> {
  const started = Date.now();
  const child = startChild('exit-during-capture.mjs', {
    args: [way, ...moment],
    nodeArgs: inspector ? ['--inspect=0'] : [],
    deadManMs: DEADLINE_MS,
  });
  // It writes when the moment has come.
  if (told) child.process.stdout?.once('data', () => child.process.kill('SIGTERM'));
  return { ...(await child.exit), ms: Date.now() - started };
}

/** Runs one way at all moments, a few processes side by side. */
async function endAtAllMoments(way: Way): Promise<void> {
  const { moments = MOMENTS } = way;
  let next = 0;
  let looked = 0;
  let slowestMs = 0;
  const wrong: string[] = [];
  const lane = async (): Promise<void> => {
    // A moment without a look has missed what it is about: a busy machine's own stalls may have used up the
    // looks.
    while (next < moments || looked < moments / 2) {
      const moment = momentOf(next++, moments);
      const { code, signal, stdout, stderr, ms } = await end(way, moment);
      slowestMs = Math.max(slowestMs, ms);
      if (stdout.includes('"looked":true')) looked++;
      const asItShould = code === way.ends.code && signal === way.ends.signal;
      const quiet = way.maySayItWaits || !stderr.includes('Waiting for the debugger');
      // A process that froze was ended by the dead man: SIGKILL.
      if (!asItShould || !quiet) {
        wrong.push(`${moment.join(' ms after ')}: ${JSON.stringify({ code, signal, stdout, stderr })}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  console.log(
    `${way.way}: ${next} processes, ${looked} after a look at the stack, ${wrong.length} ended wrongly; ` +
      `the slowest took ${slowestMs} ms`,
    // Who tries again, as the gate does, sees these only here.
    ...wrong,
  );
  expect(wrong).toEqual([]);
}

describe(`a process ends as it should at ${MOMENTS} moments around a capture`, { concurrent: false }, () => {
  const ways: readonly Way[] = [
    { way: 'process.exit()', ends: code(7) },
    { way: 'process.exit()', ends: code(7), inspector: true },
    { way: 'process.exit() in a dump of all threads', ends: code(7), moments: 100 },
    { way: 'an uncaught exception', ends: code(1) },
    { way: 'SIGTERM', ends: sigterm, told: true },
    { way: 'SIGTERM with a handler', ends: code(3), told: true },
    { way: 'SIGTERM to itself', ends: sigterm, maySayItWaits: true },
    { way: 'its natural end', ends: code(0) },
    { way: 'the death of its sidecar', ends: code(5) },
  ];
  for (const one of ways) {
    it(one.inspector ? `${one.way} beside an open inspector` : one.way, () => endAtAllMoments(one));
  }
});
