import type { IncomingMessage, ServerResponse } from 'node:http';
import { printableJson } from '../../src/shared/printable.js';
import type { History, Status } from '../../src/shared/status.js';
import type { Journal } from '../reports/journal.js';
import { textOfIndex, textOfStatus } from '../status/text.js';
import { prefersHtml } from './accept.js';
import type { Guard } from './access.js';
import type { Page } from './page.js';
import { cut } from './pieces.js';
import { send, sendProblem } from './respond.js';
import type { Handler } from './router.js';
import { sendPieces } from './zipped.js';

export interface StatusSources {
  /** The process as it is now. */
  state(): Status;
  /** The points after this one; all without it. */
  history(since: number | undefined): History;
  readonly journal: Journal;
  readonly guard: Guard;
  readonly page: Page;
}

export interface StatusHandlers {
  readonly root: Handler;
  readonly state: Handler;
  readonly history: Handler;
}

const TEXT = 'text/plain; charset=utf-8';
const VARY = { Vary: 'Accept' };
const BAD_SINCE = 'since must be the seq of an earlier answer: a whole number from 0 to 9007199254740991.';

/** Answers how the process fares. */
export function createStatusHandlers(sources: StatusSources): StatusHandlers {
  return {
    root(request, response) {
      const { guard, journal, page } = sources;
      const text = guard.allows(request) ? textOfStatus(sources.state(), journal.stalls()) : undefined;
      const forBrowser = prefersHtml(request.headers.accept) && (text !== undefined || guard.mayTry(request));
      if (forBrowser) return page.send(request, response, text);
      send(response, 200, TEXT, text ?? textOfIndex(), VARY);
      return undefined;
    },
    state: (request, response) => sendJsonPieces(request, response, sources.state()),
    history(request, response, { query }) {
      const since = query.get('since');
      if (since === null) return sendJsonPieces(request, response, sources.history(undefined));
      if (/^\d+$/.test(since) && Number.isSafeInteger(Number(since))) {
        return sendJsonPieces(request, response, sources.history(Number(since)));
      }
      sendProblem(response, 400, BAD_SINCE);
      return undefined;
    },
  };
}

function sendJsonPieces(request: IncomingMessage, response: ServerResponse, value: unknown): Promise<void> {
  const pieces = cut(Buffer.from(`${printableJson(value)}\n`));
  return sendPieces(request, response, 'application/json; charset=utf-8', pieces);
}
