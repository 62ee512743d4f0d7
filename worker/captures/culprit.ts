import type { Frame } from '../../src/shared/stall.js';

/** The frame to blame: the innermost of the app's own code, else of a dependency's. */
export function culpritOf(frames: readonly Frame[]): Frame | undefined {
  const outside = frames.filter((frame) => !frame.internal);
  return outside.find((frame) => !/[\\/]node_modules[\\/]/.test(frame.file)) ?? outside[0];
}
