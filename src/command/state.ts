import type { StackSample, Stall } from '../shared/stall.js';
import type { Status } from '../shared/status.js';
import { type Ask, readJson } from './client.js';

/** Whether this is what `GET /api/state` answers, as far as it is read here. */
export function isStatus({ loops, pools, process: about }: Partial<Status>): boolean {
  return isListOf(loops, isLoop) && loops.length > 0 && isListOf(pools, isPool) && isObject(about);
}

/** Whether it has all of these, each of its type. */
function has(value: unknown, types: Readonly<Record<string, 'string' | 'number'>>): value is object {
  return (
    isObject(value) && Object.entries(types).every(([name, type]) => typeof Reflect.get(value, name) === type)
  );
}

const isPool = (value: unknown): boolean => has(value, { name: 'string' });

const isLoop = (value: unknown): boolean =>
  has(value, { thread: 'string', state: 'string', lagMs: 'number', lagMaxMs: 'number', stalls: 'number' }) &&
  (!('stall' in value) || isStall(value.stall));

/** Whether this is a stall, as far as it is read here. */
export function isStall(value: unknown): boolean {
  if (!has(value, { id: 'string', startedAt: 'string', cause: 'string', durationMs: 'number' })) return false;
  const { stacks, culprit, requests = [] } = value as Partial<Stall>;
  return (
    isListOf(stacks, isSample) && isListOf(requests, isObject) && (culprit === undefined || isFrame(culprit))
  );
}

const isSample = (value: unknown): boolean =>
  has(value, { atMs: 'number' }) && isListOf((value as Partial<StackSample>).frames, isFrame);

const isFrame = (value: unknown): boolean => has(value, { function: 'string', file: 'string' });

export const isOffender = (value: unknown): boolean =>
  has(value, { cause: 'string', count: 'number', totalSeconds: 'number' });

export function isListOf(value: unknown, isOne: (value: unknown) => boolean): value is readonly unknown[] {
  return Array.isArray(value) && value.every(isOne);
}

export const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** What is over is worth more than to fail for want of it. */
export async function stateIfKnown(ask: Ask, base: URL): Promise<Status | undefined> {
  try {
    const answer = await ask(base, { method: 'GET', path: '/api/state' });
    return readJson<Status>(base, answer, isStatus);
  } catch {
    return undefined;
  }
}

/** Of what is not over yet only the state knows. */
export const underWay = (status: Status | undefined): Stall[] =>
  status?.loops.flatMap(({ stall }) => stall ?? []) ?? [];
