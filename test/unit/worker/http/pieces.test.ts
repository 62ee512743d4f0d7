import { randomBytes } from 'node:crypto';
import { crc32, gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { combine } from '../../../../worker/http/checksum.js';
import { cut, gzip, PIECE_BYTES } from '../../../../worker/http/pieces.js';

it('checksums are put together without a second look at the text', () => {
  for (const [first, second] of [
    [0, 0],
    [0, 5],
    [5, 0],
    [1, 1],
    [1000, PIECE_BYTES],
    [PIECE_BYTES, 12_345],
  ] as const) {
    const [one, two] = [randomBytes(first), randomBytes(second)];
    expect(combine(crc32(one), crc32(two), second), `${first} and ${second} bytes`).toBe(
      crc32(Buffer.concat([one, two])),
    );
  }
});

it('pieces make one gzip file together, also with others than before', async () => {
  const text = Buffer.from('one line and another\n'.repeat(30_000));
  const pieces = cut(text);
  expect(pieces.length).toBeGreaterThan(2);
  expect(gunzipSync(Buffer.concat(await gzip(pieces)))).toEqual(text);
  const before = Buffer.from('ours\n');
  const both = [...cut(before), ...pieces];
  const parts = await gzip(both);
  expect(gunzipSync(Buffer.concat(parts))).toEqual(Buffer.concat([before, text]));
  // Those that were made stay.
  expect(parts.filter((part) => pieces.some(({ zipped }) => zipped?.deflated === part))).toHaveLength(
    pieces.length,
  );
  expect(await gzip(both)).toBe(parts);
});
