import { DROP_REASONS } from '../src/shared/labels.js';
import { latenessOf } from '../src/shared/lateness.js';
import type { SidecarOptions } from '../src/shared/protocol.js';
import type { Basics } from './basics.js';
import { openTally } from './counters.js';
import type { Forensics } from './forensics.js';
import { cut, type Piece } from './http/pieces.js';
import type { Format } from './metrics/format.js';
import { OPENMETRICS_END } from './metrics/openmetrics.js';
import { createRenderers } from './metrics/render.js';
import type { Poll } from './poll.js';
import type { Pools } from './pools/pools.js';
import { createRelay } from './relay/relay.js';
import type { CpuThrottling } from './system/cgroup.js';
import { readProcess } from './system/process.js';
import type { Threadpool } from './system/threadpool.js';

export interface ScrapeParts {
  readonly options: SidecarOptions;
  readonly forensics: Forensics;
  readonly pools: Pools;
  readonly threadpool: Threadpool;
  /** `undefined` where the system keeps no such accounts. */
  readonly throttling: (() => CpuThrottling | undefined) | undefined;
  readonly poll: Poll;
}

/**
 * What `/metrics` serves. Scrapes of a format that come at once share one: any number of them costs the memory
 * of one.
 */
export type Scrape = (format: Format, scrapeTimeoutMs?: number) => Promise<readonly Piece[]>;

const pieceOf = (text: string): readonly Piece[] => [{ plain: Buffer.from(text) }];
/** What stands between our own metrics and those of the app, and what after all. */
const BETWEEN: Readonly<Record<Format, readonly Piece[]>> = {
  text: pieceOf('\n'),
  openMetrics: [],
  protobuf: [],
};
const END: Readonly<Record<Format, readonly Piece[]>> = {
  text: [],
  openMetrics: pieceOf(OPENMETRICS_END),
  protobuf: [],
};

export function createScrape(basics: Basics, parts: ScrapeParts): Scrape {
  const { ledger, now, errors, host } = basics;
  const { options, forensics, pools, threadpool, throttling, poll } = parts;
  const { main, threads } = forensics;
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
  const renderers = createRenderers(options.labels);
  const rendering: { [F in Format]?: Promise<readonly Piece[]> } = {};

  async function render(format: Format, scrapeTimeoutMs: number | undefined): Promise<readonly Piece[]> {
    const before = main.stats();
    const blocked = latenessOf(now(), before.dueMs, before.lastMarkMs) >= options.stallThreshold;
    await relay?.refresh(blocked || before.loopStartedAtMs === 0, scrapeTimeoutMs, format);
    const relayed = (await relay?.pieces(format)) ?? [];
    const { nowMs } = poll.atOnce();
    const own = await renderers[format]({
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
    return [...cut(own), ...(relayed.length > 0 ? BETWEEN[format] : []), ...relayed, ...END[format]];
  }

  return (format, scrapeTimeoutMs) => {
    rendering[format] ??= render(format, scrapeTimeoutMs).finally(() => {
      delete rendering[format];
    });
    return rendering[format];
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
