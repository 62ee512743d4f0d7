import { threadId as ownId } from 'node:worker_threads';
import type { Inspector } from '../captures/client.js';
import type { Target } from '../inspector/messages.js';

/** The threads are listed within this time. */
const LIST_MS = 2000;
/** So many of them are named to who has asked for one that is not there. */
const NAMED_MAX = 64;

/** A thread that was asked for. */
export interface Found {
  readonly target: Target;
  /** What it is called; `thread-3` if it has no name. */
  readonly name: string;
}

export interface Watched {
  readonly name: string;
  readonly target: Target;
}

interface Listed {
  readonly target: Target;
  readonly name: string | undefined;
}

/**
 * Finds a thread by its name or its id.
 * @param watched those under watch, main first: which is meant if nothing is said
 * @returns `undefined` if the threads cannot be listed; why there is no such thread
 */
export async function findThread(
  asked: string | null,
  inspector: Inspector,
  watched: readonly Watched[],
): Promise<Found | string | undefined> {
  const known = asked === null ? watched[0] : one(watched, asked);
  if (known) return { target: known.target, name: known.name };
  const listed = await listThreads(inspector, watched);
  if (!listed) return undefined;
  const found = listed.filter(isCalled(asked as string));
  const [first] = found;
  const quoted = JSON.stringify(asked);
  if (found.length > 1) return `Several threads are called ${quoted}. Ask by id: ${namesOf(found)}.`;
  if (!first) return `There is no thread ${quoted}. There are: ${namesOf(listed)}.`;
  return { target: first.target, name: first.name ?? `thread-${first.target.threadId}` };
}

const isCalled =
  (asked: string) =>
  ({ name, target }: Listed): boolean =>
    name === asked || String(target.threadId) === asked;

function one(watched: readonly Watched[], asked: string): Watched | undefined {
  return watched.find(({ name }) => name === asked) ?? watched.find(isCalled(asked));
}

async function listThreads(inspector: Inspector, watched: readonly Watched[]): Promise<Listed[] | undefined> {
  const request = { looks: false, known: [], deadlineMs: LIST_MS };
  const { result, threads } = await inspector.threads(request, LIST_MS + 500);
  if (result !== 'captured') return undefined;
  const ours = [ownId, inspector.threadId];
  return threads
    .filter(({ threadId }) => !ours.includes(threadId))
    .sort((a, b) => a.threadId - b.threadId)
    .map(({ threadId, name }) => {
      const known = watched.find(({ target }) => target.threadId === threadId);
      return known ?? { target: { threadId, loop: undefined, taskDirectory: undefined }, name };
    });
}

function namesOf(listed: readonly Listed[]): string {
  const names = listed
    .slice(0, NAMED_MAX)
    .map(({ name, target }) => (name === undefined ? `${target.threadId}` : `${target.threadId} (${name})`));
  return [...names, ...(listed.length > NAMED_MAX ? ['…'] : [])].join(', ');
}
