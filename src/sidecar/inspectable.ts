import { isMainThread } from 'node:worker_threads';
import { nodeOptions } from '../runtime.js';

/**
 * Why no other thread can inspect this one, if so. Under the permission model connecting to the main thread
 * aborts the whole process (Node.js 20 to 26); there are builds without an inspector; a look must be over
 * before the process ends, which a worker thread is not told of (`src/shared/exit-interlock.ts`); and what it
 * throws is caught by nobody whom V8 would ask.
 */
export function whyNotInspectable(): string | undefined {
  if (!isMainThread) return 'the watchdog was started in a worker thread, which does not see the process end';
  if (!process.features.inspector) return 'this build of Node.js has no inspector';
  if (process.permission !== undefined) return "Node's permission model is on, and would end the process";
  return /--abort[-_]on[-_]uncaught[-_]exception/.test(nodeOptions())
    ? 'under --abort-on-uncaught-exception a look would end the process'
    : undefined;
}

/** Whether the inspector's port is open: `--inspect`, SIGUSR1, `inspector.open()`. */
export function isInspectorOpen(): boolean {
  try {
    return process.getBuiltinModule('node:inspector').url() !== undefined;
  } catch {
    return false;
  }
}
