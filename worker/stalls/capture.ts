import type { Profiler, Runtime, Session } from 'node:inspector';
import { type CaptureResult, GATE_EXITING, GATE_LOOKING } from '../../src/shared/layout.js';
import { RUNNING_KEY } from '../../src/shared/protocol.js';

/** A frame as V8 gives it; line and column count from 0. */
export interface RawFrame extends Runtime.CallFrame {
  /** Where the source map of a script is that was compiled from something else than its file. */
  readonly sourceMapUrl?: string | undefined;
}

export interface StackCapture {
  readonly result: CaptureResult;
  /** Innermost first; empty unless captured. */
  readonly frames: readonly RawFrame[];
  /** Milliseconds for which main was at our service. */
  readonly costMs: number;
}

/** Frames deeper than this are left out. */
const FRAMES_MAX = 64;
/** Evaluated by main: throws the number of the turn that it finds itself in. */
const LOOK_URL = 'event-loop-watchdog:look';
const LOOK: string = `throw globalThis[Symbol.for('${RUNNING_KEY}')]?.turn()\n//# sourceURL=${LOOK_URL}`;
/** Files that Node.js cannot run as they are: a loader compiled them, and told only V8 where their map is. */
const COMPILED_AT_LOAD = /^file:.*\.([cm]?tsx?|jsx)$/i;
/** How long such maps are waited for. */
const MAPS_MS = 500;
/** How long after the end of the asked turn an answer is waited for: it would be late in any case. */
const GRACE_MS = 500;
/** How often that end is looked for. */
const POLL_MS = 50;
/** Main reads our goodbye when it is interrupted for it. */
const GOODBYE_MS = 20;

export interface CapturerOptions {
  /** Whether the main thread can be inspected at all; see `src/inspectable.ts`. */
  readonly inspectable: boolean;
  /** Whether a debugger may be attached now. */
  readonly debuggerOpen: () => boolean;
  /** See `src/gate.ts`. */
  readonly gate: Int32Array;
  /** The number of the turn in progress. */
  readonly turn: () => number;
  readonly now: () => number;
}

/** Looks into the main thread through V8's inspector, without opening a port. One look at a time. */
export interface Capturer {
  readonly busy: boolean;
  readonly available: boolean;
  /**
   * The stack of the main thread. Main need not be in JavaScript: it answers when it is again.
   * @param turn accept frames of this turn only; `undefined`: of any
   * @param deadlineMs give up after this long
   */
  stack(turn: number | undefined, deadlineMs: number): Promise<StackCapture>;
  /**
   * A CPU profile of the main thread.
   * @returns `undefined` if main did not answer in time
   */
  profile(durationMs: number, deadlineMs: number): Promise<Profiler.Profile | undefined>;
}

export function createCapturer(options: CapturerOptions): Capturer {
  const { gate } = options;
  // An earlier sidecar may have died while it looked.
  Atomics.store(gate, GATE_LOOKING, 0);
  let busy = false;
  const available = (): boolean => options.inspectable && !options.debuggerOpen();

  async function exclusively<T>(work: (session: Session) => Promise<T>): Promise<T | undefined> {
    if (busy || !available()) return undefined;
    busy = true;
    let session: Session | undefined;
    try {
      Atomics.store(gate, GATE_LOOKING, 1);
      if (Atomics.load(gate, GATE_EXITING) === 0) session = await connect();
      return session && (await work(session));
    } finally {
      // On every path: a pause that is still pending would stop the recovered app until somebody resumes it.
      session?.post('Debugger.disable');
      session?.disconnect();
      setTimeout(() => {
        busy = false;
        Atomics.store(gate, GATE_LOOKING, 0);
        Atomics.notify(gate, GATE_LOOKING);
      }, GOODBYE_MS);
    }
  }

  return {
    get busy() {
      return busy;
    },
    get available() {
      return available();
    },
    async stack(turn, deadlineMs) {
      const capture = await exclusively((session) => captureStack(session, turn, deadlineMs, options));
      return capture ?? { result: 'unavailable', frames: [], costMs: 0 };
    },
    profile: (durationMs, deadlineMs) =>
      exclusively((session) => captureProfile(session, durationMs, deadlineMs)),
  };
}

/** A session made for one look, during the stall. Builds without an inspector have no module to import. */
async function connect(): Promise<Session | undefined> {
  try {
    const inspector = await import('node:inspector');
    const session = new inspector.Session();
    session.connectToMainThread();
    return session;
  } catch {
    return undefined;
  }
}

/**
 * Asks main where it is. V8 serves a request of the inspector at main's next check for interrupts, on top of whatever
 * runs: so the stack of our own throw is the stack of the stall, at the cost of a throw. The usual way, the debugger's
 * pause, makes V8 first report every script that is loaded: some 20 microseconds each.
 */
function captureStack(
  session: Session,
  turn: number | undefined,
  deadlineMs: number,
  { turn: currentTurn, now }: CapturerOptions,
): Promise<StackCapture> {
  return new Promise((resolve) => {
    const askedMs = now();
    let firstAnswerMs: number | undefined;
    let endedMs: number | undefined;
    const poll = setInterval(() => {
      if (turn !== undefined && currentTurn() !== turn) endedMs ??= now();
      const ended = endedMs !== undefined && now() - endedMs > GRACE_MS;
      if (!ended && now() - askedMs <= deadlineMs) return;
      clearInterval(poll);
      finish('unanswered');
    }, POLL_MS);
    const finish = (result: CaptureResult, frames: readonly RawFrame[] = []): void => {
      resolve({ result, frames, costMs: firstAnswerMs === undefined ? 0 : now() - firstAnswerMs });
    };

    session.on('inspectorNotification', () => {
      firstAnswerMs ??= now();
    });
    // Back to back: waiting for the first answer would let main run on, into unrelated code.
    session.post('Runtime.enable');
    session.post('Runtime.evaluate', { expression: LOOK, silent: true }, async (error, answer) => {
      clearInterval(poll);
      const thrown = answer?.exceptionDetails;
      if (error || !thrown?.stackTrace) {
        finish('unanswered');
      } else if (turn !== undefined && thrown.exception?.value !== turn) {
        finish('late');
      } else {
        const frames = thrown.stackTrace.callFrames.filter(({ url }) => url !== LOOK_URL);
        finish('captured', await withMaps(session, frames.slice(0, FRAMES_MAX)));
      }
    });
  });
}

/** The frames, with what only V8 knows of their source maps. */
async function withMaps(session: Session, frames: readonly Runtime.CallFrame[]): Promise<RawFrame[]> {
  const wanted = new Set(
    frames.filter(({ url }) => COMPILED_AT_LOAD.test(url)).map(({ scriptId }) => scriptId),
  );
  if (wanted.size === 0) return [...frames];
  const maps = new Map<string, string>();
  session.on('Debugger.scriptParsed', ({ params: { scriptId, sourceMapURL } }) => {
    if (sourceMapURL && wanted.has(scriptId)) maps.set(scriptId, sourceMapURL);
  });
  await new Promise<void>((resolve) => {
    setTimeout(resolve, MAPS_MS);
    session.post('Debugger.enable', () => resolve());
    // A `debugger` statement must not stop the app.
    session.post('Debugger.setSkipAllPauses', { skip: true });
    session.post('Debugger.disable');
  });
  return frames.map((frame) => ({ ...frame, sourceMapUrl: maps.get(frame.scriptId) }));
}

/** Microseconds between samples: 200 a second. */
const SAMPLING_INTERVAL_US = 5000;

function captureProfile(
  session: Session,
  durationMs: number,
  deadlineMs: number,
): Promise<Profiler.Profile | undefined> {
  return new Promise((resolve) => {
    let stop: NodeJS.Timeout | undefined;
    const deadline = setTimeout(() => finish(undefined), deadlineMs);
    const finish = (profile: Profiler.Profile | undefined): void => {
      clearTimeout(deadline);
      clearTimeout(stop);
      resolve(profile);
    };
    session.post('Profiler.enable');
    session.post('Profiler.setSamplingInterval', { interval: SAMPLING_INTERVAL_US });
    session.post('Profiler.start', (error) => {
      if (error) {
        finish(undefined);
        return;
      }
      stepOnce(session);
      stop = setTimeout(() => {
        session.post('Profiler.stop', (failed, answer) => finish(failed ? undefined : answer.profile));
        session.post('Profiler.disable');
      }, durationMs);
    });
  });
}

/**
 * Makes a function that is running show up in the profile. Code that V8 optimized while nobody was profiling has no
 * entry in the profiler's map: its samples go to the caller. A step throws that code away; what replaces it is known.
 */
function stepOnce(session: Session): void {
  session.once('Debugger.paused', () => {
    session.post('Debugger.stepOver');
    session.once('Debugger.paused', () => {
      session.post('Debugger.resume');
      session.post('Debugger.disable');
    });
  });
  session.post('Debugger.enable');
  session.post('Debugger.pause');
}
