import type { Stall } from '../shared/stall.js';
import type { Call } from './call.js';
import { jsonLine, readJson } from './client.js';
import { linesOfStall, linesOfStalls, type StallsAnswer } from './stalls-view.js';
import { isListOf, isOffender, isStall, stateIfKnown, underWay } from './state.js';

export async function stalls(call: Call): Promise<undefined> {
  call.print(call.stall === undefined ? await all(call) : await one(call, call.stall));
}

async function all({ ask, base, json, target }: Call): Promise<string> {
  const answer = await ask(base, { method: 'GET', path: '/api/stalls' });
  const list = readJson<StallsAnswer>(base, answer, isList);
  if (json) return jsonLine(answer);
  return textOf(linesOfStalls(list, await stateIfKnown(ask, base), target));
}

/** One that is over, or else one that is under way. */
async function one({ ask, base, json, target }: Call, id: string): Promise<string> {
  try {
    const answer = await ask(base, { method: 'GET', path: `/api/stalls/${id}` });
    const stall = readJson<Stall>(base, answer, isStall);
    return json ? jsonLine(answer) : textOf(linesOfStall(stall, false, target));
  } catch (error) {
    const running = underWay(await stateIfKnown(ask, base)).find((stall) => stall.id === id);
    if (!running) throw error;
    return json ? `${JSON.stringify(running)}\n` : textOf(linesOfStall(running, true, target));
  }
}

function isList({ stalls: some, offenders = [] }: Partial<StallsAnswer>): boolean {
  return isListOf(some, isStall) && isListOf(offenders, isOffender);
}

const textOf = (lines: readonly string[]): string => `${lines.join('\n')}\n`;
