import type { ThreadDump } from '../../src/shared/thread-dump.js';

/** What is tried, one after the other. */
const FRAMES = [32, 16, 8, 4, 2, 0];

/** The dump cut to a size: first the outermost frames go, then threads of the system, then others. */
export function boundedDump(dump: ThreadDump, maxBytes: number): ThreadDump {
  const fits = (one: ThreadDump): boolean => Buffer.byteLength(JSON.stringify(one)) <= maxBytes;
  if (fits(dump)) return dump;
  for (const frames of FRAMES) {
    const cut = cutTo(dump, { frames, threads: Number.POSITIVE_INFINITY });
    if (fits(cut)) return cut;
  }
  let threads = dump.threads.length;
  let cut = cutTo(dump, { frames: 0, threads });
  while (threads > 0 && !fits(cut)) {
    threads = Math.floor(threads / 2);
    cut = cutTo({ ...dump, systemThreads: [] }, { frames: 0, threads });
  }
  return cut;
}

function cutTo(dump: ThreadDump, most: { readonly frames: number; readonly threads: number }): ThreadDump {
  const { threads, incomplete } = dump;
  return {
    ...dump,
    threads: threads
      .slice(0, most.threads)
      .map((thread) => ({ ...thread, frames: thread.frames.slice(0, most.frames) })),
    incomplete: `${incomplete === undefined ? '' : `${incomplete} `}Cut to the size of a report.`,
  };
}
