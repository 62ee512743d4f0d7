import type { Address, SidecarOptions } from '../../src/shared/protocol.js';
import { logPort } from '../reports/stall-log.js';
import { onDisk } from '../system/own-calls.js';
import { appNameOf } from './app-name.js';
import { type Directory, joinDirectory } from './directory.js';
import { serviceDiscovery } from './discovery.js';

/** How often this process shows the others that it lives. */
const STAY_EVERY_MS = 60_000;

/** The processes of the app on this host: this one, and with `perProcess` the others. */
export interface Processes {
  /** Name of the app. */
  readonly app: string;
  /**
   * In Prometheus' http_sd form, each reached by this name or address; `undefined` until this process is on
   * the list.
   */
  discover(host: string): unknown;
  leave(): void;
}

/** @param listening where this process serves, once it does */
export function openProcesses(
  options: SidecarOptions,
  listening: Promise<Address>,
  warn: (message: string) => void,
): Processes {
  const app = onDisk(() => appNameOf(options.entry));
  let directory: Pick<Directory, 'list' | 'leave'> | undefined;

  void listening.then(({ port, host, url }) => {
    const self = { port, host, worker: options.directory?.instance, tls: options.tls !== undefined };
    if (!options.directory) {
      directory = { list: () => [{ pid: process.pid, startedAt: undefined, ...self }], leave() {} };
      return;
    }
    const joined = joinDirectory(app, self, { root: options.directory.root, warn });
    directory = joined;
    setInterval(joined.stay, STAY_EVERY_MS);
    if (options.log) logPort(options.log, self.worker, url);
  });
  return {
    app,
    discover: (host) => directory && serviceDiscovery(directory.list(), app, host),
    leave: () => directory?.leave(),
  };
}
