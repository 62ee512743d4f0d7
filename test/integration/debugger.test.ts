import { once } from 'node:events';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type Child, killChildren, RARE_CAPTURES, stallOver, startApp } from '../support/child.js';
import { eventually } from '../support/eventually.js';

const open: Socket[] = [];
afterEach(async () => {
  for (const socket of open.splice(0)) socket.destroy();
  await killChildren();
});

const HANG_MS = 8000;

/**
 * Attaches a debugger to the app's inspector, as soon as that says where it listens; it stays until it is
 * destroyed.
 */
async function attach(app: Child): Promise<Socket> {
  const [, host = '', path = ''] = await app.printed(/ws:\/\/([^/\s]+)(\/\S+)/);
  const asked = request(`http://${host}${path}`, {
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': Buffer.from('sixteen bytes...').toString('base64'),
    },
  }).end();
  const [, socket] = (await once(asked, 'upgrade')) as [unknown, Socket];
  open.push(socket);
  return socket;
}

/** Waits until the liveness of a loop that has stalled for so long is told so. */
const told = (url: string, status: number, detail: RegExp, afterMs: number): Promise<unknown> =>
  eventually(async () => {
    const response = await fetch(`${url}/livez?verbose`, { signal: AbortSignal.timeout(30_000) });
    const text = await response.text();
    const [, seconds] = /not turned for ([\d.]+) s/.exec(text) ?? [];
    if (!(Number(seconds) * 1000 >= afterMs)) return undefined;
    expect(text).toMatch(detail);
    expect(response.status).toBe(status);
    return true;
  }, 'the stall is long');

describe.runIf(process.platform === 'linux')('a debugger', () => {
  it('that attaches to a frozen app is let alone, and for a while after it has gone', async () => {
    const { app, url } = await startApp(
      'culprits.mjs',
      { livenessTimeout: 1000, hang: { after: HANG_MS, action: 'kill' } },
      { nodeArgs: ['--inspect-port=0'] },
    );
    app.send({ deed: 'endless' });
    await told(url, 503, /the limit is/, 1000);
    app.process.kill('SIGUSR1');
    const socket = await attach(app);
    await told(url, 200, /a debugger is attached/, HANG_MS + 1000);
    socket.destroy();
    const gone = Date.now();
    expect((await app.exit).signal).toBe('SIGKILL');
    expect(Date.now() - gone).toBeGreaterThan(HANG_MS / 2);
  });

  it('keeps captures away', async () => {
    const { app } = await startApp(
      'culprits.mjs',
      { ...RARE_CAPTURES, log: 'text' },
      { nodeArgs: ['--inspect=0'] },
    );
    await attach(app);
    app.send({ deed: 'hotLoop' });
    const stall = await stallOver(app, 1500);
    expect(stall.stacks).toMatchObject([{ result: 'unavailable' }]);
    await app.printed(/told without a stack: a debugger is attached/);
  });

  it.each(['--inspect=0', 'inspector.open()'])('is none while only its port is open (%s)', async (way) => {
    const nodeArgs = way.startsWith('--')
      ? [way]
      : ['--import', 'data:text/javascript,import { open } from "node:inspector"; open(0)'];
    const { app, url } = await startApp(
      'culprits.mjs',
      { ...RARE_CAPTURES, livenessTimeout: 1000 },
      { nodeArgs },
    );
    await app.printed(/ws:/);
    app.send({ deed: 'holdBusy' });
    await told(url, 503, /the limit is/, 1000);
    app.release();
    const stall = await stallOver(app, 1000);
    expect(stall.stacks[0]).toMatchObject({ result: 'captured' });
  });
});
