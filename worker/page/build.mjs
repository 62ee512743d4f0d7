import { createHash } from 'node:crypto';
import { constants, crc32, deflateRawSync } from 'node:zlib';
import { build } from 'esbuild';

/** All of the page: what is opened at 3 a.m. over a slow line. */
const PAGE_MAX_BYTES = 120 * 1024;

const HEAD = [
  '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>event-loop-watchdog</title>',
  '<meta name="viewport" content="width=device-width, initial-scale=1">',
  '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,"><style>',
].join('');
const BODY = ['</style></head><body><main id="essentials">', '</main><script>'];
const END = '</script></body></html>\n';

/** What may be in it: of the rest there are types, and what puts figures, threads and requests in words. */
const WORDS = [
  'worker/dump/groups.ts',
  'worker/dump/text.ts',
  'worker/stalls/requests.ts',
  'src/shared/figures.ts',
  'src/shared/printable.ts',
];
const isOurs = (input) =>
  /^worker\/page\/|(?:^|\/)node_modules\/uplot\//.test(input) || WORDS.includes(input);

/**
 * The page in one HTML, in the two parts between which the sidecar writes what it knows, deflated so that they
 * can be parts of one gzip file; and the policy by which nothing else runs in it.
 * @param guard throws if something went into it that may not
 */
export async function buildPage(guard) {
  const [script, style] = await Promise.all([bundle('main.ts', guard), bundle('style.css', guard)]);
  const [before, after] = [`${HEAD}${style}${BODY[0]}`, `${BODY[1]}${script}${END}`];
  const size = Buffer.byteLength(before + after);
  if (size > PAGE_MAX_BYTES) throw new Error(`the page has ${size} bytes, more than ${PAGE_MAX_BYTES}`);
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
  return { policy, parts: [before, after].map(deflate) };
}

async function bundle(entry, guard) {
  const { metafile, outputFiles } = await build({
    entryPoints: [`worker/page/${entry}`],
    bundle: true,
    minify: true,
    format: 'iife',
    target: ['chrome111', 'firefox113', 'safari16.4'],
    write: false,
    metafile: true,
    preserveSymlinks: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  guard(metafile, 'worker/page/', isOurs);
  const text = outputFiles[0].text.trim();
  if (/<\/(?:script|style)/i.test(text)) throw new Error(`${entry} would end the element that it is in`);
  return text;
}

function hashOf(text) {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

/** Ends at a byte, so that others can follow; see `worker/http/pieces.ts`. */
function deflate(text) {
  const plain = Buffer.from(text);
  const deflated = deflateRawSync(plain, {
    level: constants.Z_BEST_COMPRESSION,
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  return { deflated: deflated.toString('base64'), checksum: crc32(plain) };
}
