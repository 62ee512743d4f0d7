import type { Frame } from '../../src/shared/stall.js';

/** The frame to blame: the innermost of the app's own code, else of a dependency's. */
export function culpritOf(frames: readonly Frame[]): Frame | undefined {
  return frames.find(isOwn) ?? frames.find((frame) => !frame.internal);
}

/** Whether it is of the app's own code. */
export function isOwn({ internal, file }: Frame): boolean {
  return !internal && !/[\\/]node_modules[\\/]/.test(file);
}
