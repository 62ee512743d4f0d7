import type { Status } from '../shared/status.js';
import { ANSWER_MS, type Ask, readJson } from './client.js';
import type { CommandError } from './error.js';
import { isListOf, isObject, isStatus } from './state.js';

/** So many are looked at; a host has hardly more. */
const PROCESSES_MAX = 256;
/** One that has not answered for so long is silent: it is asked once a second. */
const SILENT_AFTER_MS = 2500;

/** A process of the app, as its watchdog tells of it. */
export interface Process {
  readonly url: URL;
  readonly pid: string;
  readonly app: string;
  /** Its number among `node:cluster`'s or pm2's. */
  readonly worker: string | undefined;
  /** The latest that it said. */
  readonly status: Status | undefined;
  /** Why it says nothing now. */
  readonly trouble: string | undefined;
}

interface Known extends Omit<Process, 'trouble'> {
  status: Status | undefined;
  failure: string | undefined;
  /** An answer is waited for, */
  asked: boolean;
  /** or the latest did not come in time. */
  timedOut: boolean;
  answeredAtMs: number;
}

export interface Processes {
  /**
   * Asks which there are.
   * @throws CommandError if none of them says
   */
  list(): Promise<void>;
  /** Asks each that was listed. One that fails is told as `trouble`. */
  look(): Promise<void>;
  /** As of the latest answers. */
  now(): readonly Process[];
}

interface Target {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** @param clock milliseconds */
export function createProcesses(base: URL, ask: Ask, clock: () => number, signal?: AbortSignal): Processes {
  let known: readonly Known[] = [];
  const question = (path: string) => ({ method: 'GET', path, ...(signal && { signal }) }) as const;

  /** Any of them has the list: the first one may have ended. */
  async function list(): Promise<void> {
    let first: unknown;
    const others = known.map(({ url }) => url).filter(({ href }) => href !== base.href);
    for (const url of [base, ...others]) {
      try {
        const answer = await ask(url, question('/sd'));
        const targets = readJson<Target[]>(url, answer, isList);
        known = targets.slice(0, PROCESSES_MAX).flatMap((target) => join(target) ?? []);
        return;
      } catch (error) {
        first ??= error;
      }
    }
    throw first;
  }

  function join({ targets: [address] = [''], labels = {} }: Target): Known | undefined {
    const [, port] = /:(\d{1,5})$/.exec(address as string) ?? [];
    if (port === undefined || Number(port) > 65_535) return undefined;
    // At the host that was asked, and never at another that an answer names: the token goes along.
    const url = new URL(base);
    url.port = port;
    if (labels.__scheme__ === 'https') url.protocol = 'https:';
    const { __meta_watchdog_pid: pid = '-', __meta_watchdog_app: app = '-', worker } = labels;
    const before = known.find((one) => one.url.href === url.href && one.pid === pid);
    return (
      before ?? {
        url,
        pid,
        app,
        worker,
        status: undefined,
        failure: undefined,
        asked: false,
        timedOut: false,
        answeredAtMs: clock(),
      }
    );
  }

  async function lookAt(one: Known): Promise<void> {
    if (one.asked) return;
    one.asked = true;
    const askedAtMs = clock();
    try {
      const answer = await ask(one.url, question('/api/state'));
      one.status = readJson<Status>(one.url, answer, isStatus);
      one.failure = undefined;
    } catch (error) {
      const { status, message } = error as CommandError;
      // Whoever may see the list may see this, too, but for the token.
      one.failure = status === 404 ? 'an older version, or one with another token' : message;
    }
    one.timedOut = one.failure !== undefined && clock() - askedAtMs >= ANSWER_MS;
    // How long it is silent by now is told then, which fits into a table.
    if (one.timedOut) one.failure = undefined;
    else one.answeredAtMs = clock();
    one.asked = false;
  }

  return {
    list,
    look: async () => void (await Promise.all(known.map(lookAt))),
    now: () =>
      known.map(({ failure, asked, timedOut, answeredAtMs, ...rest }) => {
        const silentMs = clock() - answeredAtMs;
        const silent = (asked || timedOut) && silentMs > SILENT_AFTER_MS;
        return {
          ...rest,
          trouble: failure ?? (silent ? `no answer for ${(silentMs / 1000).toFixed(0)} s` : undefined),
        };
      }),
  };
}

/** No watchdog answers with an empty one. */
const isList = (value: unknown): boolean => isListOf(value, isTarget) && value.length > 0;

function isTarget(value: unknown): boolean {
  const { targets, labels = {} } = (isObject(value) ? value : {}) as Partial<Target>;
  return isListOf(targets, isText) && isObject(labels) && Object.values(labels).every(isText);
}

const isText = (value: unknown): boolean => typeof value === 'string';
