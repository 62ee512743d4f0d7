import { DROP_REASONS } from '../src/shared/labels.js';
import { latenessOf } from '../src/shared/lateness.js';
import type { SidecarOptions } from '../src/shared/protocol.js';
import type { Basics } from './basics.js';
import { openTally } from './counters.js';
import type { Forensics } from './forensics.js';
import { cut, type Piece } from './http/pieces.js';
import { createRenderer } from './metrics/render.js';
import type { Poll } from './poll.js';
import type { Pools } from './pools/pools.js';
import { createRelay } from './relay/relay.js';
import { openCgroup } from './system/cgroup.js';
import { readProcess } from './system/process.js';
import type { Threadpool } from './system/threadpool.js';

export interface ScrapeParts {
  readonly options: SidecarOptions;
  readonly forensics: Forensics;
  readonly pools: Pools;
  readonly threadpool: Threadpool;
  readonly poll: Poll;
}

/**
 * The text of `/metrics`. Scrapes that come at once share one: any number of them costs the memory of one.
 */
export type Scrape = (scrapeTimeoutMs?: number) => Promise<readonly Piece[]>;

export function createScrape(basics: Basics, parts: ScrapeParts): Scrape {
  const { ledger, now, errors, host } = basics;
  const { options, forensics, pools, threadpool, poll } = parts;
  const { main, threads } = forensics;
  const throttling = openCgroup();
  const relayDropped = openTally(ledger, 'relayDropped', DROP_REASONS);
  const relay = options.relay
    ? createRelay({
        fetch: () => host.relay(),
        now,
        turns: () => main.stats().turns,
        onError: () => errors.add('relay'),
        onDrop: relayDropped.add,
        labels: options.labels,
        processMetrics: options.processMetrics,
      })
    : undefined;
  const renderMetrics = createRenderer(options.labels);
  let rendering: Promise<readonly Piece[]> | undefined;

  async function render(scrapeTimeoutMs: number | undefined): Promise<readonly Piece[]> {
    const before = main.stats();
    const blocked = latenessOf(now(), before.dueMs, before.lastMarkMs) >= options.stallThreshold;
    await relay?.refresh(blocked || before.loopStartedAtMs === 0, scrapeTimeoutMs);
    const { nowMs } = poll.atOnce();
    const text = await renderMetrics({
      nowMs,
      loops: [main.view(), ...threads.loops().map((loop) => loop.view())],
      processState: basics.processState(),
      ledger,
      pools: pools.all(),
      threadpool: threadpool.state(nowMs),
      options,
      usage: options.processMetrics ? readProcess() : undefined,
      throttling: throttling?.(),
      sidecarLagMaxMs: poll.lagMaxMs(nowMs),
      collectorErrors: errors,
      relayAgeMs: relay?.ageMs(nowMs),
      relayDropped: relay && relayDropped,
    });
    const relayed = relay?.pieces() ?? [];
    return [...cut(Buffer.from(relayed.length > 0 ? `${text}\n` : text)), ...relayed];
  }

  return (scrapeTimeoutMs) => {
    rendering ??= render(scrapeTimeoutMs).finally(() => {
      rendering = undefined;
    });
    return rendering;
  };
}

/** All pieces in one. */
export function joined(pieces: readonly Piece[]): Uint8Array<ArrayBuffer> {
  const text = new Uint8Array(pieces.reduce((sum, { plain }) => sum + plain.length, 0));
  let at = 0;
  for (const { plain } of pieces) {
    text.set(plain, at);
    at += plain.length;
  }
  return text;
}
