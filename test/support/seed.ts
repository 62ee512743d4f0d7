import { randomFrom } from './random.mjs';

/** Where chance begins: `WATCHDOG_TEST_SEED` repeats a run whose seed was printed. */
export const SEED: number = Number(process.env.WATCHDOG_TEST_SEED ?? Date.now() % 1e9);

/** A number between two. */
export type Random = (least: number, most: number) => number;

/** The same numbers for the same seed, for ever. */
export function randomBetween(seed: number): Random {
  const random = randomFrom(seed);
  return (least, most) => least + (most - least) * random();
}
