/** CRC-32 as gzip has it, bits reversed. */
const POLYNOMIAL = 0xedb88320;

/** What shifts a checksum by 2^n bytes: for each of its bits what becomes of it. */
const shifts: Uint32Array[] = [Uint32Array.from({ length: 32 }, (_, bit) => byOneByte(2 ** bit))];

/**
 * The checksum of two texts one after the other, of which the second has `bytes` bytes; neither is read
 * again.
 */
export function combine(first: number, second: number, bytes: number): number {
  let shifted = first;
  for (let power = 0, left = bytes; left > 0; power++, left = Math.floor(left / 2)) {
    if (left % 2 === 1) shifted = apply(shiftBy(power), shifted);
  }
  return (shifted ^ second) >>> 0;
}

function shiftBy(power: number): Uint32Array {
  for (let known = shifts.length; known <= power; known++) {
    const half = shifts[known - 1] as Uint32Array;
    shifts.push(half.map((bit) => apply(half, bit)));
  }
  return shifts[power] as Uint32Array;
}

function apply(shift: Uint32Array, checksum: number): number {
  let sum = 0;
  for (let bit = 0; bit < 32; bit++) if ((checksum >>> bit) & 1) sum ^= shift[bit] as number;
  return sum >>> 0;
}

function byOneByte(checksum: number): number {
  let rest = checksum;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ POLYNOMIAL : rest >>> 1;
  return rest >>> 0;
}
