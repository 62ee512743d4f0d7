// Runs the demo's app in a process of its own and talks to it.
import { fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';

/** No step of the app takes nearly as long. */
const PATIENCE_MS = 60_000;

export function launchApp() {
  const child = fork(new URL('app.mjs', import.meta.url), { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  // Killed, not asked: it may be frozen. If this process is killed itself, the app sees the channel close.
  process.once('exit', () => child.kill('SIGKILL'));

  let complaints = '';
  child.stderr.on('data', (chunk) => {
    complaints += chunk;
  });
  const messages = new EventEmitter();
  child.on('message', (message) => messages.emit(message.type, message));
  const stalls = [];
  messages.on('stall', ({ stall }) => stalls.push(stall));
  const death = once(child, 'close').then(([code, signal]) => {
    throw new Error(`The app ended unexpectedly (${signal ?? code}).\n${complaints}`);
  });
  death.catch(() => {}); // Whoever waits for a message hears of it.

  async function message(type) {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const [said] = await Promise.race([once(messages, type, { signal }), death]);
    return said;
  }

  return {
    /** Resolves with the URLs to scrape and the freezes to choose from. */
    ready: message('ready'),
    /** Has the app freeze, and resolves with when that was. */
    async freeze(name, onFreezing) {
      child.send({ name });
      await message('freezing');
      onFreezing();
      const { startedAt, endedAt } = await message('thawed');
      return { startedAt, endedAt };
    },
    /** What the watchdog told of a freeze: the longest stall that began in it or just before. */
    stallOf({ startedAt, endedAt }) {
      return stalls
        .filter((stall) => Date.parse(stall.startedAt) + stall.durationMs > startedAt)
        .filter((stall) => Date.parse(stall.startedAt) < endedAt)
        .sort((one, other) => other.durationMs - one.durationMs)[0];
    },
    stop: () => child.kill('SIGKILL'),
  };
}
