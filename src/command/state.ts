import type { Stall } from '../shared/stall.js';
import type { Status } from '../shared/status.js';
import { type Ask, readJson } from './client.js';

/** Whether this is what `GET /api/state` answers, as far as it is read here. */
export function isStatus({ loops, pools, process: about }: Partial<Status>): boolean {
  return isListOf(loops, isLoop) && loops.length > 0 && isListOf(pools, isObject) && isObject(about);
}

const isLoop = (value: unknown): boolean => isObject(value) && (!('stall' in value) || isStall(value.stall));

/** Whether this is a stall, as far as it is read here. */
export function isStall(value: unknown): boolean {
  const { id, startedAt, stacks } = (isObject(value) ? value : {}) as Partial<Stall>;
  return typeof id === 'string' && typeof startedAt === 'string' && isListOf(stacks, isObject);
}

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
