const SLOTS = 64;

/** The maximum over the last whole seconds, up to 63 of them. */
export interface SlidingMax {
  add(nowMs: number, value: number): void;
  max(nowMs: number): number;
}

export function createSlidingMax(windowSeconds: number): SlidingMax {
  const seconds = new Float64Array(SLOTS);
  const values = new Float64Array(SLOTS);
  return {
    add(nowMs, value) {
      const second = Math.floor(nowMs / 1000);
      const slot = second % SLOTS;
      const fresh = seconds[slot] !== second;
      seconds[slot] = second;
      values[slot] = fresh ? value : Math.max(value, values[slot] as number);
    },
    max: (nowMs) => maxSince(seconds, values, nowMs, windowSeconds),
  };
}

/** The highest of `values` whose second lies within the last `windowSeconds`; 0 if there is none. */
export function maxSince(
  seconds: Readonly<Float64Array>,
  values: Readonly<Float64Array>,
  nowMs: number,
  windowSeconds: number,
): number {
  const oldest = Math.floor(nowMs / 1000) - windowSeconds;
  return values.reduce(
    (max, value, slot) => ((seconds[slot] as number) > oldest ? Math.max(max, value) : max),
    0,
  );
}
