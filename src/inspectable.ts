import { isMainThread } from 'node:worker_threads';

/**
 * Whether another thread may inspect this one. Not under the permission model: there connecting to the main thread
 * aborts the whole process (Node.js 20 to 26). Not in a build without an inspector, and not in a worker thread,
 * since the sidecar could reach the main thread only.
 */
export function isInspectable(): boolean {
  return isMainThread && process.features.inspector && process.permission === undefined;
}

/** Whether a debugger is or may be attached: `--inspect`, SIGUSR1, `inspector.open()`. */
export function isDebuggerOpen(): boolean {
  try {
    return process.getBuiltinModule('node:inspector').url() !== undefined;
  } catch {
    return false;
  }
}
