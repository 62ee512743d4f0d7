import { transfer } from 'comlink';
import { latenessOf } from '../src/shared/lateness.js';
import type { Control, SidecarData } from '../src/shared/protocol.js';
import { type Basics, type Effects, openBasics } from './basics.js';
import { type Forensics, openForensics } from './forensics.js';
import { checkLiveness, createReadiness } from './health.js';
import { createGuard } from './http/access.js';
import { createDebugHandlers } from './http/debug.js';
import { createPage } from './http/page.js';
import { createRoutes, type Health, type RouteSources } from './http/routes.js';
import { type SurvivingServer, startServer } from './http/server.js';
import { openTls } from './http/tls.js';
import { openToken } from './http/token.js';
import { type Poll, startPoll } from './poll.js';
import { openPools } from './pools/pools.js';
import { watchSlowTasks } from './pools/slow-tasks.js';
import { openProcesses } from './processes/processes.js';
import { createRound } from './round.js';
import { createScrape, joined } from './scrape.js';
import { earlierBands } from './status/earlier.js';
import { openReport } from './status/report.js';
import { openCgroup } from './system/cgroup.js';
import { watchThreadpool } from './system/threadpool.js';

/** Builds the sidecar out of its parts, and sets it going. Returns what main may ask of it. */
export function createSidecar(data: SidecarData, effects: Effects): Control {
  const { options } = data;
  const basics = openBasics(data, effects);
  const { now, ledger, suspensions, contain, warn } = basics;
  const pools = openPools(data.pools, now, contain);
  const forensics = openForensics(data, basics, pools);
  const suspendedMs = (fromMs: number, toMs: number): number =>
    suspensions.suspendedBetween(fromMs, toMs).likelyMs;
  const slowTasks = watchSlowTasks({
    pools: pools.all,
    now,
    inspector: forensics.inspector,
    suspendedMs,
    onCapture: (result) => forensics.countCapture('stack', result),
    onUnavailable: forensics.reporter.noStacks,
    tell: forensics.reporter.slowTask,
    onError: () => basics.errors.add('pools'),
  });
  const threadpool = watchThreadpool(options.threadpoolSize, ledger, now, suspendedMs);
  const readiness = createReadiness(options.readiness);
  const seen = { options, forensics, pools, threadpool, throttling: openCgroup() };
  const report = openReport(basics, { ...seen, earlier: earlierBands(data), app: () => processes.app });
  let closing = false;
  const { stallThreshold } = options;
  const round = createRound(basics, {
    forensics,
    pools,
    slowTasks,
    threadpool,
    readiness,
    report,
    stallThreshold,
    isClosing: () => closing,
  });
  const poll = startPoll(now, round);
  const scrape = createScrape(basics, { ...seen, poll });
  const server = serve(
    data,
    basics,
    { ...forensics, poll },
    {
      metrics: scrape,
      health: () => healthOf(poll.atOnce()),
      liveness: () => checkLiveness(poll.atOnce(), options.livenessTimeout),
      readiness: () => readiness.check(poll.atOnce()),
      processes: (asked) => processes.discover(asked),
      state: () => report.state(poll.atOnce().nowMs),
      history: (since) => report.history(poll.atOnce().nowMs, since),
    },
  );
  const processes = openProcesses(options, server.listening, warn);
  return {
    ready: () => server.ready,
    setPool: pools.set,
    removePool: pools.remove,
    setResourceTypes: forensics.main.setResourceTypes,
    async metrics() {
      const text = joined(await scrape('text'));
      return transfer(text, [text.buffer]);
    },
    async close() {
      closing = true;
      poll.stop();
      forensics.inspector.close();
      forensics.threads.close();
      processes.leave();
      await server.close();
    },
  };
}

function healthOf({ nowMs, stats, stall }: ReturnType<ReturnType<typeof startPoll>['atOnce']>): Health {
  return {
    status: stats.loopStartedAtMs === 0 ? 'starting' : stall ? 'stalled' : 'ok',
    lagSeconds: latenessOf(nowMs, stats.dueMs, stats.lastMarkMs) / 1000,
    uptimeSeconds: (nowMs - stats.startedAtMs) / 1000,
    turns: stats.turns,
  };
}

function serve(
  { options }: SidecarData,
  { now, warn }: Basics,
  { main, threads, reporter, inspector, countCapture, takeDump, poll }: Forensics & { readonly poll: Poll },
  answers: Omit<RouteSources, 'page' | 'journal' | 'debug' | 'guard' | 'guardMetrics'>,
): SurvivingServer {
  const routes = createRoutes({
    ...answers,
    journal: reporter.journal,
    debug: createDebugHandlers({
      inspector,
      watched: () => [main, ...threads.loops()],
      takeDump() {
        // What pools have at work is as of the latest round.
        poll.atOnce();
        return takeDump();
      },
      count: countCapture,
    }),
    page: createPage(),
    guard: createGuard({ token: openToken(options, now, warn), allowedHosts: options.allowedHosts }),
    guardMetrics: options.guardMetrics,
  });
  const { port, host } = options;
  return startServer(routes, { port, host, tls: openTls(options, now, warn), warn });
}
