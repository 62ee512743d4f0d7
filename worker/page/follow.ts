import type { History, Status } from '../../src/shared/status.js';
import { type Api, ApiError, NO_ANSWER } from './api.js';
import { createRing, type Points } from './history.js';

const PERIOD_MS = 1_000;
/** Who does not answer is asked again soon at first, then every two seconds: it may be back at any time. */
const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 2_000;
/** All of it is a hundred times as much as what a second adds, and may have a slow way to go. */
const HISTORY_WITHIN_MS = 15_000;

/** What is made of the answers. */
export interface Listener {
  /** What was told before is of another process than what comes. */
  another(): void;
  status(status: Status): void;
  points(points: Points): void;
  /** There was a status, and no points. */
  lacking(reason: string): void;
  /**
   * Nobody answers, or not with what was asked for, and why; `sinceMs`: when somebody last did, in Unix time, if
   * ever.
   */
  silent(sinceMs: number | undefined, reason: string | undefined): void;
  /** We are not let in. It is not asked again until `resume()`. */
  refused(): void;
}

export interface Effects {
  /** Unix time in milliseconds. */
  now(): number;
  /** @returns what takes it back */
  later(callback: () => void, ms: number): () => void;
}

export interface Following {
  /** The page cannot be seen: nothing is asked. */
  pause(): void;
  /** Asks at once, and each second from then on. */
  resume(): void;
}

/** Asks the sidecar each second how the process is, and what has happened since; begins with `resume()`. */
export function follow(api: Api, listener: Listener, { now, later }: Effects): Following {
  const ring = createRing();
  let process: string | undefined;
  let heardAtMs: number | undefined;
  let failures = 0;
  /** The rounds that go on; one that was stopped meanwhile is told by it. */
  let current = 0;
  let cancel = (): void => {};

  async function ask(round: number): Promise<void> {
    const status = await api.get<Status>('/api/state');
    if (round !== current) return;
    if (!status?.process) throw new ApiError(0, 'What answers is no watchdog.');
    const identity = `${status.process.pid} ${status.process.startedAt}`;
    if (process !== undefined && process !== identity) {
      ring.clear();
      listener.another();
    }
    process = identity;
    heardAtMs = now();
    listener.status(status);
    await askHistory(round);
  }

  async function askHistory(round: number): Promise<void> {
    const since = ring.seq === undefined ? '' : `?since=${ring.seq}`;
    const history = await api
      .get<History>(`/api/history${since}`, HISTORY_WITHIN_MS)
      .catch((error: unknown) => goWithout(round, error));
    if (!history || round !== current) return;
    ring.add(history);
    listener.points(ring.points);
  }

  /** Without its history there is still something to tell of a process. */
  function goWithout(round: number, error: unknown): undefined {
    if (!(error instanceof ApiError) || isRefusal(error)) throw error;
    if (round === current) listener.lacking(error.message);
  }

  async function go(round: number): Promise<void> {
    const waitMs = await attempt(round);
    if (waitMs !== undefined && round === current) cancel = later(() => go(round), waitMs);
  }

  /** @returns when to ask again; `undefined`: not by itself */
  async function attempt(round: number): Promise<number | undefined> {
    const startedAtMs = now();
    try {
      await ask(round);
    } catch (error) {
      return round === current ? fail(error) : undefined;
    }
    failures = 0;
    // Its clock may have been set meanwhile.
    return Math.min(PERIOD_MS, Math.max(0, startedAtMs + PERIOD_MS - now()));
  }

  function fail(error: unknown): number | undefined {
    if (!(error instanceof ApiError)) {
      // A fault of the page's own: told by the browser as any other, and what can be shown is shown.
      later(() => {
        throw error;
      }, 0);
      return PERIOD_MS;
    }
    if (isRefusal(error)) {
      listener.refused();
      return undefined;
    }
    listener.silent(heardAtMs, error.message === NO_ANSWER ? undefined : error.message);
    return Math.min(RETRY_FIRST_MS * 2 ** failures++, RETRY_MAX_MS);
  }

  function stop(): void {
    current++;
    cancel();
  }
  return {
    pause: stop,
    resume() {
      stop();
      failures = 0;
      void go(current);
    },
  };
}

/** To who may not see them the routes do not exist. */
const isRefusal = ({ status }: ApiError): boolean => status === 401 || status === 404;
