import { printable } from '../shared/printable.js';
import type { ThreadDump } from '../shared/thread-dump.js';
import type { Call } from './call.js';
import { jsonLine, noWatchdog, readJson } from './client.js';

/** A dump takes two seconds at most, on a host that has time for it. */
const DUMP_MS = 10_000;

export async function stacks({ ask, base, json, print }: Call): Promise<undefined> {
  const format = json ? 'json' : 'text';
  const accept = json ? 'application/json' : 'text/plain';
  const path = `/debug/threads?format=${format}`;
  const answer = await ask(base, { method: 'POST', path, accept, timeoutMs: DUMP_MS });
  if (json) {
    readJson<ThreadDump>(base, answer, ({ threads }) => Array.isArray(threads));
    print(jsonLine(answer));
    return;
  }
  if (!answer.body.startsWith('Threads of process ')) throw noWatchdog(base);
  print(answer.body.split('\n').map(printable).join('\n'));
}
