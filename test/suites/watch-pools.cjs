// A preload: watches each Piscina pool that the program makes, whichever copy of Piscina it is of.
const Module = require('node:module');
const { isMainThread } = require('node:worker_threads');
const { startWatchdog } = require('../../dist/index.cjs');

const POOLS_MAX = 32;

const watchdog = isMainThread ? startWatchdog(0) : undefined;
const watched = [];
let count = 0;

/** What stands in for each class; for itself, so that none is wrapped twice. */
const stands = new Map();
const isPiscina = (value) => typeof value === 'function' && value.name === 'Piscina';

function watch(pool) {
  if (watched.length === POOLS_MAX) watched.shift()();
  watched.push(watchdog.watchPool(pool, `pool-${count++}`));
  return pool;
}

function standIn(Piscina) {
  if (!stands.has(Piscina)) {
    const stand = new Proxy(Piscina, {
      construct: (...args) => watch(Reflect.construct(...args)),
      // It is its own property `Piscina`, too.
      get: (target, name) => (target[name] === Piscina ? stand : Reflect.get(target, name)),
    });
    stands.set(Piscina, stand).set(stand, stand);
  }
  return stands.get(Piscina);
}

const load = Module._load;
if (watchdog) {
  Module._load = function loadAndWatch(...args) {
    const loaded = load.apply(this, args);
    if (isPiscina(loaded)) return standIn(loaded);
    if (typeof loaded !== 'object' || loaded === null || !isPiscina(loaded.Piscina)) return loaded;
    for (const name of ['Piscina', 'default']) {
      if (isPiscina(loaded[name])) loaded[name] = standIn(loaded[name]);
    }
    return loaded;
  };
}
