import type { Stall } from '../../src/shared/stall.js';
import { type Random, randomBetween } from './seed.js';
import { createVirtualLoop, total, type VirtualLoop } from './virtual-loop.js';
import { createVirtualProcess, type Part, type VirtualProcess, type Work } from './virtual-process.js';
import { startVirtualSidecar, type VirtualSidecar } from './virtual-sidecar.js';
import { createVirtualThread, type VirtualThread } from './virtual-thread.js';

/** A stall that was, as the ring has it. */
export interface TrueStall {
  readonly turn: number;
  readonly endMs: number;
  readonly durationMs: number;
  /** The process was stopped in its turn. */
  readonly suspended: boolean;
}

export interface Telling {
  readonly stall: Stall;
  /** When the sidecar that tells was started. */
  readonly sidecarMs: number;
}

/** What a run was, and what was told of it. */
export interface History {
  readonly stalls: TrueStall[];
  readonly begun: Telling[];
  readonly told: Telling[];
  /** For how long the process was stopped until the latest turn, */
  stoppedMs: number;
  /** and how long the sidecars took it to be. */
  suspendedMs: number;
  deaths: number;
}

/** The machine and the watchdog of a run. */
export interface Settings {
  readonly stallThreshold: number;
  readonly heartbeatInterval: number;
  readonly jitterMs: number;
  /** The system keeps accounts of threads. */
  readonly accounts: boolean;
}

export interface World {
  readonly settings: Settings;
  readonly history: History;
  readonly process: VirtualProcess;
}

interface Making {
  readonly settings: Settings;
  readonly history: History;
  readonly random: Random;
  readonly loop: VirtualLoop;
  readonly thread: VirtualThread;
  /** By which chance a sidecar dies, each time that it reads something or has told something. */
  deathRate: number;
  /** Until when there is none after a death. */
  awayUntilMs: number;
}

/** What terminate(), an exhausted heap or an exception does to a sidecar. */
class Death extends Error {}

const pick = <T>(random: Random, of: readonly T[]): T => of[Math.floor(random(0, of.length))] as T;

/**
 * The life of one process, from one number.
 * @param onPolled called whenever a sidecar has polled and could answer a scrape
 */
export function simulate(seed: number, onPolled: (world: World) => void): World {
  const random = randomBetween(seed);
  const settings = chooseSettings(random);
  const making: Making = {
    settings,
    history: { stalls: [], begun: [], told: [], stoppedMs: 0, suspendedMs: 0, deaths: 0 },
    random,
    loop: createVirtualLoop(settings),
    thread: createVirtualThread(),
    deathRate: pick(random, [0, 0.0005, 0.005, 0.05]),
    awayUntilMs: 0,
  };
  making.thread.hide(!settings.accounts);
  const world = createWorld(making, onPolled);
  const { process } = world;
  process.loop.mark();
  process.idle(random(0, 1500));
  if (random(0, 1) < 0.05) process.slice(random(20, 60), random(30, 90));
  for (let steps = random(3, 9); steps > 0; steps--) step(making, process);
  // The last sidecar lives, and sees all to its end.
  making.deathRate = 0;
  making.awayUntilMs = 0;
  process.slice(Number.POSITIVE_INFINITY, 0);
  process.idle(6000);
  return world;
}

function chooseSettings(random: Random): Settings {
  const accounts = random(0, 1) < 0.8;
  return {
    stallThreshold: pick(random, [50, 100, 100, 250]),
    heartbeatInterval: pick(random, [20, 100, 100, 1000]),
    // Without accounts of its own a sidecar cannot tell a machine that is busy from a process that stands
    // still.
    jitterMs: pick(random, accounts ? [0, 0, 5, 40] : [0, 5]),
    accounts,
  };
}

function createWorld(making: Making, onPolled: (world: World) => void): World {
  const { settings, history, random, loop, thread } = making;
  const start = (): VirtualSidecar => {
    const sidecar = startSidecar(making);
    return { ...sidecar, poll: () => pollOrDie(sidecar) };
  };
  function pollOrDie(sidecar: VirtualSidecar): void {
    try {
      sidecar.poll();
    } catch (error) {
      if (!(error instanceof Death)) throw error;
      history.deaths++;
      process.sidecar = undefined;
      making.awayUntilMs = loop.now() + pick(random, [5, 60, 1000, 4000]);
      return;
    }
    onPolled(world);
  }
  const process = createVirtualProcess({
    loop,
    thread,
    random,
    sidecar: start(),
    onTurn() {
      noteStall(making, process.stoppedMs());
      // Main replaces it: not before the turn is over in which that was due.
      if (!process.sidecar && loop.now() >= making.awayUntilMs) process.sidecar = start();
    },
  });
  const world: World = { settings, history, process };
  return world;
}

function startSidecar(making: Making): VirtualSidecar {
  const { settings, history, random, loop, thread } = making;
  const sidecarMs = loop.now();
  return startVirtualSidecar({
    loop,
    thread,
    random,
    stallThresholdMs: settings.stallThreshold,
    jitterMs: settings.jitterMs,
    knowsItself: settings.accounts,
    onEffect() {
      if (making.deathRate > 0 && random(0, 1) < making.deathRate) throw new Death();
    },
    onBegin: (stall) => history.begun.push({ stall, sidecarMs }),
    onEnd: (stall) => history.told.push({ stall, sidecarMs }),
    onSuspension(ms) {
      history.suspendedMs += ms;
    },
  });
}

/** Takes from the ring the stall that has come, if one has. */
function noteStall({ loop, history }: Making, stoppedMs: number): void {
  const { stalls } = history;
  if (loop.read().stalls > stalls.length) {
    const { turn, durationMs } = loop.readRing();
    const index = stalls.length % turn.length;
    stalls.push({
      turn: turn[index] as number,
      endMs: loop.now(),
      durationMs: durationMs[index] as number,
      suspended: stoppedMs > history.stoppedMs,
    });
  }
  history.stoppedMs = stoppedMs;
}

const KINDS: readonly Work[] = ['cpu', 'cpu', 'contended', 'starved', 'blocked'];

/** Something happens. */
function step(making: Making, process: VirtualProcess): void {
  const { random, thread, settings } = making;
  const part = (most: number): Part => [pick(random, KINDS), random(1, most)];
  const row = (count: number, most: number): void => {
    for (let i = 0; i < count; i++) process.hold([part(most)]);
  };
  const chances: readonly (readonly [number, () => void])[] = [
    [2, () => process.idle(random(0, 400))],
    [2, () => process.idle(random(400, 5000))],
    [4, () => process.hold([part(600)])],
    [2, () => process.hold([part(300), part(300), part(300)])],
    [2, () => process.hold([part(300), part(300)], random(30, 900))],
    [1, () => process.hold([part(8000)])],
    [1, () => process.holdPaused([part(900)], [part(400)])],
    [1, () => process.stop(random(20, 1500))],
    [1, () => process.starve(random(20, 500))],
    // Stalls one upon the other, or short turns that are none.
    [3, () => row(random(2, 12), pick(random, [40, 160, 400]))],
    [1, () => thread.hide(!settings.accounts || random(0, 1) < 0.5)],
    // More than the ring holds, of which no sidecar sees anything.
    [
      0.1,
      () => {
        process.sidecar = undefined;
        making.awayUntilMs = process.loop.now() + 100_000;
        row(random(200, 400), 2 * settings.stallThreshold);
      },
    ],
  ];
  let chance = random(0, total(chances.map(([weight]) => weight)));
  chances.find(([weight]) => {
    chance -= weight;
    return chance < 0;
  })?.[1]();
}
