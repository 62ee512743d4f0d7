import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { sendProblem } from './respond.js';

const CONNECTIONS_MAX = 64;
/** Requests that one connection may have unanswered. Scrapers, probes and browsers send one at a time. */
const PIPELINED_MAX = 8;
/** Whoever does not wait for an answer before it asks again waits this long for the next one. */
const PIPELINED_PAUSE_MS = 250;
/** Requests of one connection in all: a client that is let go of and comes back gets no more. */
const REQUESTS_MAX = 100;

interface Connection {
  /** As it was accepted. */
  readonly outer: Socket;
  /** What answers are written to: with TLS another one than was accepted. */
  inner: Socket;
  /** The answer under way, and those that wait for it. */
  readonly answers: (() => void)[];
  requests: number;
  /** Its last answer is on its way or waits: nothing else that it asks is heard. */
  leaving: boolean;
}

export interface Connections {
  take(socket: Socket): void;
  /** Whether it is being let go of: what else it says is no matter. */
  isLeaving(socket: Socket): boolean;
  /** Calls `answer` once all answers before it have left: none pile up behind one that nobody reads. */
  enqueue(request: IncomingMessage, response: ServerResponse, answer: () => void): void;
  /** Bytes that wait for their clients to read. */
  unsentBytes(): number;
}

/**
 * The connections, of which there are few. A newcomer takes the place of the one that has got nowhere for
 * longest: whoever keeps many connections open, silent or without reading, shuts nobody out.
 */
export function createConnections(): Connections {
  /** In the order of their latest progress. */
  const connections = new Map<string, Connection>();

  function progress(key: string, connection: Connection): void {
    if (connections.get(key) !== connection) return;
    connections.delete(key);
    connections.set(key, connection);
  }

  function next(connection: Connection): void {
    if (connection.inner.destroyed) connection.answers.length = 0;
    connection.answers[0]?.();
  }

  return {
    take(outer) {
      const key = keyOf(outer);
      if (connections.size >= CONNECTIONS_MAX) leastUseful(connections.values())?.outer.destroy();
      const connection: Connection = { outer, inner: outer, answers: [], requests: 0, leaving: false };
      connections.set(key, connection);
      outer.once('close', () => {
        if (connections.get(key) === connection) connections.delete(key);
      });
    },

    isLeaving: (socket) => connections.get(keyOf(socket))?.leaving ?? false,

    enqueue(request, response, answer) {
      const key = keyOf(request.socket);
      const connection = connections.get(key);
      if (!connection || connection.leaving) return;
      connection.requests++;
      connection.inner = request.socket;
      const { answers } = connection;
      const refused = answers.length >= PIPELINED_MAX;
      if (refused || connection.requests === REQUESTS_MAX) {
        connection.leaving = true;
        response.setHeader('Connection', 'close');
        stopReading(request.socket);
      }
      answers.push(refused ? () => refuseMore(response) : answer);
      response.on('drain', () => progress(key, connection));
      response.once('close', () => {
        progress(key, connection);
        answers.shift();
        if (answers.length > 0) setTimeout(next, PIPELINED_PAUSE_MS, connection).unref();
      });
      if (answers.length === 1) next(connection);
    },

    unsentBytes: () => [...connections.values()].reduce((sum, { inner }) => sum + inner.writableLength, 0),
  };
}

/** By address: of a TLS connection we get to see two sockets, the outer and the inner one. */
function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

const NEWLINE = 10;
const RETURN = 13;

/**
 * To be called for a socket that Node.js reads requests from. It parses all that one read brings, some
 * thousand requests for what we know: those after the first that is refused are struck out before, at which
 * the parser stops.
 */
export function strikeSurplus(socket: Socket): void {
  socket.prependListener('data', (chunk: Buffer) => {
    let heads = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) {
      // A head ends with an empty line.
      const next = chunk[at + 1] === RETURN ? at + 2 : at + 1;
      if (chunk[next] !== NEWLINE || ++heads <= PIPELINED_MAX) continue;
      chunk.fill(0, next + 1);
      return;
    }
  });
}

/** For good: Node.js reads on for each request that is answered. */
function stopReading(socket: Socket): void {
  socket.pause();
  socket.on('resume', () => socket.pause());
}

/** Who asked for too much goes first. Whoever waits for an answer of ours stands still by our fault. */
function leastUseful(connections: Iterable<Connection>): Connection | undefined {
  const all = [...connections];
  return (
    all.find(({ leaving }) => leaving) ??
    all.find(({ answers, inner }) => answers.length !== 1 || inner.writableLength > 0) ??
    all[0]
  );
}

function refuseMore(response: ServerResponse): void {
  const detail = `A connection has at most ${PIPELINED_MAX} requests unanswered.`;
  sendProblem(response, 503, detail, { 'Retry-After': '1' });
}
