import type { Stall } from '../shared/stall.js';
import type { Status } from '../shared/status.js';
import { type Ask, readJson } from './client.js';

/** Whether this is what `GET /api/state` answers, as far as it is read here. */
export function isStatus({ loops, pools, process: about }: Partial<Status>): boolean {
  return Array.isArray(loops) && loops.length > 0 && Array.isArray(pools) && typeof about === 'object';
}

/** Of what is not over yet only the state knows. What is over is worth more than to fail for want of it. */
export async function stallsUnderWay(ask: Ask, base: URL): Promise<Stall[]> {
  try {
    const answer = await ask(base, { method: 'GET', path: '/api/state' });
    return readJson<Status>(base, answer, isStatus).loops.flatMap(({ stall }) => stall ?? []);
  } catch {
    return [];
  }
}
