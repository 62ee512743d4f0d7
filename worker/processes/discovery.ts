import { isIPv6 } from 'node:net';
import type { Neighbour } from './listing.js';

/**
 * The list as Prometheus' http_sd wants it.
 * @param host the name or IP address, without port, by which the asker reached this process. It stands for
 * all: the processes of an app are bound alike, and an address such as 127.0.0.1 would be another machine to
 * an asker elsewhere.
 */
export function serviceDiscovery(
  neighbours: readonly Neighbour[],
  app: string,
  host: string,
): readonly { targets: string[]; labels: Record<string, string> }[] {
  const name = isIPv6(host) ? `[${host}]` : host;
  return neighbours.map(({ pid, port, worker, tls }) => ({
    targets: [`${name}:${port}`],
    labels: {
      __meta_watchdog_app: app,
      __meta_watchdog_pid: String(pid),
      ...(tls && { __scheme__: 'https' }),
      ...(worker !== undefined && { worker: String(worker) }),
    },
  }));
}
