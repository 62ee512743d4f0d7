import type { IncomingMessage, ServerResponse } from 'node:http';
import { acceptsGzip } from './accept.js';
import { gzip, type Piece } from './pieces.js';
import { sendParts } from './respond.js';

/** Under this many bytes compressing costs more than it saves. */
const GZIP_FROM_BYTES = 1024;

/**
 * Answers with a text in pieces, compressed if that is asked for.
 * @param vary what the answer depends on besides
 */
export async function sendPieces(
  request: IncomingMessage,
  response: ServerResponse,
  type: string,
  pieces: readonly Piece[],
  vary: readonly string[] = [],
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const worthIt = pieces.length > 1 || (pieces[0]?.plain.length ?? 0) >= GZIP_FROM_BYTES;
  const zipped = worthIt && acceptsGzip(request.headers['accept-encoding']);
  const parts = zipped ? await gzip(pieces) : pieces.map(({ plain }) => plain);
  await sendParts(response, type, parts, {
    ...headers,
    Vary: [...vary, 'Accept-Encoding'].join(', '),
    ...(zipped && { 'Content-Encoding': 'gzip' }),
  });
}
