import type { PoolReader } from './reader.js';
import type { PoolSample, PoolSampler } from './types.js';

/** Reads a pool by the user's function. */
export function readSampler(sampler: PoolSampler): PoolReader {
  let completedBefore = 0;
  let lastCompleted = 0;

  function number(value: unknown, name: string, kind = 'a finite number'): number {
    const endless = value === Number.POSITIVE_INFINITY && kind === 'a finite number';
    if (typeof value === 'number' && value >= 0 && !endless) return value;
    throw new TypeError(`its sampler must give ${kind} of 0 or more as ${name}, but gave ${String(value)}`);
  }

  /** What is below the sampler may be made anew, and begins to count anew: what was counted is kept. */
  function inAll(completed: number): number {
    if (completed < lastCompleted) completedBefore += lastCompleted;
    lastCompleted = completed;
    return completedBefore + completed;
  }

  return {
    read() {
      const sample = sampler();
      if (typeof (sample as unknown as PromiseLike<unknown> | undefined)?.then === 'function') {
        // Whatever becomes of it must not become an unhandled rejection.
        Promise.resolve(sample).catch(() => {});
        throw new TypeError('its sampler must give its numbers at once, but gave a promise');
      }
      // Getters of a class will do, but what every object has by a polluted prototype is no answer.
      const of = (name: keyof PoolSample): unknown =>
        Object.hasOwn(Object.prototype, name) && !Object.hasOwn(sample, name) ? undefined : sample[name];
      const completed = of('completed');
      return {
        capacity: number(of('capacity'), 'capacity', 'a number'),
        active: number(of('active'), 'active'),
        queueSize: number(of('queued'), 'queued'),
        completed: completed === undefined ? undefined : inAll(number(completed, 'completed')),
      };
    },
    ended: () => false,
    stop() {},
  };
}
