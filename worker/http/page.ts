import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, inflateRawSync } from 'node:zlib';
import type { Piece } from './pieces.js';
import { sendPieces } from './zipped.js';

/** What `worker/page/build.mjs` makes. */
export interface PageFile {
  /** Which scripts and styles may run in it: its own, by their hashes. */
  readonly policy: string;
  /** What comes before and after what the sidecar writes into it; `deflated` in Base64. */
  readonly parts: readonly { readonly deflated: string; readonly checksum: number }[];
}

/** Put here by the build. */
declare const __PAGE__: PageFile;

/** The status page for browsers. */
export interface Page {
  /** @param text what there is to know, for who has no JavaScript; `undefined`: for who may not see it */
  send(request: IncomingMessage, response: ServerResponse, text: string | undefined): Promise<void>;
}

const ASK_FOR_TOKEN = 'event-loop-watchdog\n';
const NO_SCRIPT =
  'There are charts, and a form for the token, for browsers that run JavaScript; and this text at the same ' +
  'address, for whoever does not ask for HTML.';

/** @param file taken apart when the page is first asked for */
export function createPage(file: () => PageFile = () => __PAGE__): Page {
  let ready: { readonly policy: string; readonly parts: readonly Piece[] } | undefined;
  return {
    send(request, response, text = ASK_FOR_TOKEN) {
      ready ??= open(file());
      const [before, after] = ready.parts as [Piece, Piece];
      const pieces = [before, { plain: Buffer.from(essentials(text)) }, after];
      return sendPieces(request, response, 'text/html; charset=utf-8', pieces, ['Accept'], {
        'Content-Security-Policy': ready.policy,
      });
    },
  };
}

function open({ policy, parts }: PageFile): { readonly policy: string; readonly parts: readonly Piece[] } {
  return {
    policy,
    parts: parts.map(({ deflated, checksum }) => {
      const bytes = Buffer.from(deflated, 'base64');
      const plain = inflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
      return { plain, zipped: { deflated: bytes, checksum } };
    }),
  };
}

function essentials(text: string): string {
  const [sentence = '', ...rest] = text.split('\n');
  const facts = rest.join('\n').trim();
  return `<h1>${escapeHtml(sentence)}</h1>${facts && `<pre>${escapeHtml(facts)}</pre>`}<p>${NO_SCRIPT}</p>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>]/g, (one) => ({ '&': '&amp;', '<': '&lt;' })[one] ?? '&gt;');
}
