// A PNG of at most 256 colours: of a page, which has few, a quarter of the bytes that a browser writes.
import { constants, crc32, deflateSync } from 'node:zlib';

const COLOURS_MAX = 256;
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** @param page a blank page, which takes the picture apart */
export async function smallPng(page, png) {
  const { width, height, palette, indices } = await page.evaluate(quantize, {
    base64: png.toString('base64'),
    max: COLOURS_MAX,
  });
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // Eight bits a pixel, from a palette.
  header.set([8, 3], 8);
  const pixels = Buffer.from(indices, 'base64');
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++) pixels.copy(rows, y * (width + 1) + 1, y * width, (y + 1) * width);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(palette)),
    chunk('IDAT', deflateSync(rows, { level: constants.Z_BEST_COMPRESSION, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}

/**
 * Runs in the browser. The most frequent colours are kept, first one of each kind; the others become the nearest
 * of them.
 */
async function quantize({ base64, max }) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
  const { width, height } = image;
  const context = new OffscreenCanvas(width, height).getContext('2d');
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const byCount = [...counts].sort(([, one], [, other]) => other - one).map(([pixel]) => pixel);
  const kinds = new Map();
  for (const pixel of byCount) if (!kinds.has(pixel & 0xe0e0e0)) kinds.set(pixel & 0xe0e0e0, pixel);
  const kept = [...new Set([...kinds.values(), ...byCount])].slice(0, max);
  const palette = kept.map((pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255]);
  const distance = (one, other) => one.reduce((sum, part, index) => sum + (part - other[index]) ** 2, 0);
  const indexOf = new Map();
  for (const pixel of counts.keys()) {
    const colour = [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
    let nearest = 0;
    for (let index = 1; index < palette.length; index++) {
      if (distance(palette[index], colour) < distance(palette[nearest], colour)) nearest = index;
    }
    indexOf.set(pixel, nearest);
  }
  let indices = '';
  for (const pixel of pixels) indices += String.fromCharCode(indexOf.get(pixel));
  return { width, height, palette: palette.flat(), indices: btoa(indices) };
}
