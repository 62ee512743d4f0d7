import type { Stall } from '../shared/stall.js';
import type { Call } from './call.js';
import { rawJson, readJson } from './client.js';
import { linesOfStall, linesOfStalls, type StallsAnswer } from './stalls-view.js';
import { stallsUnderWay } from './state.js';

export async function stalls(call: Call): Promise<undefined> {
  const lines = call.stall === undefined ? await all(call) : await one(call, call.stall);
  call.print(`${lines.join('\n')}\n`);
}

async function all(call: Call): Promise<string[]> {
  const { ask, base, json } = call;
  const answer = await ask(base, { method: 'GET', path: '/api/stalls' });
  const list = readJson<StallsAnswer>(base, answer, ({ stalls: some }) => Array.isArray(some));
  if (json) return [rawJson(base, answer)];
  return linesOfStalls(list, await stallsUnderWay(ask, base));
}

/** One that is over, or else one that is under way. */
async function one(call: Call, id: string): Promise<string[]> {
  const { ask, base, json } = call;
  try {
    const answer = await ask(base, { method: 'GET', path: `/api/stalls/${id}` });
    const stall = readJson<Stall>(base, answer, ({ stacks }) => Array.isArray(stacks));
    return json ? [rawJson(base, answer)] : linesOfStall(stall);
  } catch (error) {
    const running = (await stallsUnderWay(ask, base)).find((stall) => stall.id === id);
    if (!running) throw error;
    return json ? [JSON.stringify(running)] : linesOfStall(running, true);
  }
}
