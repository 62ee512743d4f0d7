import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, crc32, deflateRawSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { createPage } from '../../../../worker/http/page.js';

const part = (text: string): { deflated: string; checksum: number } => ({
  deflated: deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).toString('base64'),
  checksum: crc32(text),
});

it('writes what there is to know as text, never as HTML', async () => {
  const page = createPage(() => ({ policy: '', parts: [part('<main>'), part('</main>')] }));
  let body = '';
  const response = {
    req: { method: 'GET' },
    writeHead() {},
    once() {},
    write: (chunk: Buffer) => {
      body += chunk;
      return true;
    },
    end() {},
  } as unknown as ServerResponse;
  await page.send({ headers: {} } as IncomingMessage, response, 'a < b\n<script>alert(1)</script>&amp;\n');
  expect(body).toMatch(/^<main><h1>a &lt; b<\/h1>.*<\/main>$/s);
  expect(body).toContain('<pre>&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;</pre>');
});
