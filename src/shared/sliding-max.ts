const SLOTS = 64;

/** The maximum over the last whole seconds, up to 63 of them. */
export class SlidingMax {
  readonly #seconds = new Float64Array(SLOTS);
  readonly #values = new Float64Array(SLOTS);
  readonly #windowSeconds: number;

  constructor(windowSeconds: number) {
    this.#windowSeconds = windowSeconds;
  }

  add(nowMs: number, value: number): void {
    const second = Math.floor(nowMs / 1000);
    const slot = second % SLOTS;
    const fresh = this.#seconds[slot] !== second;
    this.#seconds[slot] = second;
    this.#values[slot] = fresh ? value : Math.max(value, this.#values[slot] as number);
  }

  max(nowMs: number): number {
    return maxSince(this.#seconds, this.#values, nowMs, this.#windowSeconds);
  }
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
