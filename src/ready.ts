import timers from 'node:timers';

const { setInterval, clearInterval } = timers;

/**
 * A promise that nobody needs to listen to, and that keeps the thread alive only for those who ask for it.
 */
export interface Ready<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: Error): void;
}

export function createReady<T>(): Ready<T> {
  let resolve!: (value: T) => void;
  let reject!: (reason: Error) => void;
  const promise = new Promise<T>((res, rej) => {
    resolve = res;
    reject = rej;
  });
  let hold: NodeJS.Timeout | undefined;
  let settled = false;
  const release = (): void => {
    settled = true;
    clearInterval(hold);
  };
  promise.then(release, release);
  return {
    get promise() {
      // Everything that could settle it is unref'd; somebody who awaits it needs the thread to stay until
      // then.
      if (!settled) hold ??= setInterval(() => {}, 2 ** 30);
      return promise;
    },
    resolve,
    reject,
  };
}
