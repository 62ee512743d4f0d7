import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';

/**
 * A port that was free a moment ago, or the first of so many in a row: for what cannot tell us which one it
 * took.
 */
export async function freePort(inARow = 1): Promise<number> {
  for (;;) {
    const servers: Server[] = [];
    let first = 0;
    try {
      while (servers.length < inARow) {
        const server = createServer().listen(first && first + servers.length);
        servers.push(server);
        await once(server, 'listening');
        first ||= (server.address() as AddressInfo).port;
      }
      return first;
    } catch {
      // One of them is taken: elsewhere.
    } finally {
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    }
  }
}
