// A task of the demo's pool: holds its thread for a moment. It sleeps instead of computing, so that the demo shows
// the same on a machine of one CPU.
const nothing = new Int32Array(new SharedArrayBuffer(4));

export default function makeThumbnail() {
  Atomics.wait(nothing, 0, 0, 50);
}
