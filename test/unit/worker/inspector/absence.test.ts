import { expect, it } from 'vitest';
import { createAbsence } from '../../../../worker/inspector/absence.js';

it('a process that is stopped in slices is away for those, one that waits for a CPU is not', () => {
  let nowMs = 0;
  let waitedMs = 0;
  const absence = createAbsence(
    () => nowMs,
    () => waitedMs,
  );
  for (let slice = 0; slice < 5; slice++) {
    for (let i = 0; i < 6; i++) {
      nowMs += 5;
      absence.tick();
    }
    nowMs += 70;
    // Known before the next tick, too.
    expect(absence.ms()).toBe(65 * (slice + 1));
    absence.tick();
  }
  const stoppedMs = absence.ms();
  nowMs += 100;
  waitedMs += 95;
  expect(absence.ms()).toBe(stoppedMs);
  absence.tick();
  nowMs += 12;
  absence.tick();
  expect(absence.ms()).toBe(stoppedMs);
});
