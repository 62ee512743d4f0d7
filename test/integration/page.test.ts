import { createHash } from 'node:crypto';
import { get, type IncomingHttpHeaders } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { afterEach, expect, it } from 'vitest';
import { killChildren, startApp } from '../support/child.js';

afterEach(killChildren);

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

function ask(url: string, headers: Record<string, string>, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    get(url, { headers, method, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(chunks) }));
    }).on('error', reject);
  });
}

const HTML = { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

it('serves the status page to browsers, under a policy that lets nothing else run', async () => {
  const { url } = await startApp('app.mjs');
  const plain = await ask(url, HTML);
  const html = plain.body.toString();
  expect(html).toMatch(/^<!doctype html>.*<\/html>\n$/s);
  const policy = plain.headers['content-security-policy'];
  for (const [tag, directive] of [
    ['script', 'script-src'],
    ['style', 'style-src'],
  ]) {
    const [text] = new RegExp(`(?<=<${tag}>).*(?=</${tag}>)`, 's').exec(html) ?? [''];
    expect(policy).toContain(`${directive} 'sha256-${createHash('sha256').update(text).digest('base64')}';`);
  }
  expect(html).not.toMatch(/ on\w+=|<script src|javascript:/);
  const zipped = await ask(url, { ...HTML, 'Accept-Encoding': 'gzip' });
  expect(zipped.headers['content-encoding']).toBe('gzip');
  expect(zipped.headers.vary).toBe('Accept, Accept-Encoding');
  // Two moments, so not the same to the letter.
  expect(gunzipSync(zipped.body).toString()).toMatch(/^<!doctype html>.*<\/html>\n$/s);
  const head = await ask(url, HTML, 'HEAD');
  expect([head.headers['content-type'], head.body.length]).toEqual(['text/html; charset=utf-8', 0]);
});

it('hands it out empty where the token is still to be entered, and from a link on another site', async () => {
  const foreign = { ...HTML, Host: 'watched.test' };
  const fromLink = { ...HTML, 'Sec-Fetch-Site': 'cross-site' };
  const { url } = await startApp('app.mjs');
  const index = await ask(url, foreign);
  expect(index.headers['content-type']).toBe('text/plain; charset=utf-8');
  const linked = (await ask(url, fromLink)).body.toString();
  expect(linked).toContain('<h1>event-loop-watchdog</h1>');
  expect(linked).not.toContain('Node.js v');
  const guarded = await startApp('app.mjs', { token: 'a'.repeat(32) });
  expect((await ask(guarded.url, foreign)).body.toString()).toBe(linked);
});
