// A task of the pool: sleeps for so many milliseconds.
module.exports = (ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
