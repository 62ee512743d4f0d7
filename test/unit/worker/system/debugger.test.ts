import { expect, it } from 'vitest';
import { type Socket, type SocketReader, watchDebugger } from '../../../../worker/system/debugger.js';

const listener = (port: number, inode: string): Socket => ({ state: '0A', port, inode });
const connection = (port: number, inode: string): Socket => ({ state: '01', port, inode });

/** A machine on which `ours` are this process's sockets. */
function machine(ours: string[] = []): { sockets: Socket[] | undefined; reader: SocketReader } {
  const here: { sockets: Socket[] | undefined; reader: SocketReader } = {
    sockets: [],
    reader: {
      read: (which) => here.sockets?.filter(({ state }) => which === 'all' || state === '0A'),
      isOurs: (inode) => ours.includes(inode),
    },
  };
  return here;
}

function watch(sockets: SocketReader, processState: { debugPort: number; inspectorOpen?: boolean }) {
  let nowMs = 0;
  const debuggers = watchDebugger({
    now: () => nowMs,
    debugPort: () => processState.debugPort,
    inspectorOpen: () => processState.inspectorOpen === true,
    sockets,
  });
  return {
    debuggers,
    /** A second later. */
    awayMs(): number {
      nowMs += 1000;
      return debuggers.awayMs();
    },
  };
}

it('an open port is no debugger; who is connected to it is, and then was', () => {
  const here = machine(['2']);
  const { awayMs } = watch(here.reader, { debugPort: 9229, inspectorOpen: true });
  here.sockets = [listener(9229, '1'), connection(8080, '2')];
  expect(awayMs()).toBe(Number.POSITIVE_INFINITY);
  here.sockets = [listener(9229, '1'), connection(9229, '2')];
  expect(awayMs()).toBe(0);
  here.sockets = [listener(9229, '1')];
  expect(awayMs()).toBe(1000);
  expect(awayMs()).toBe(2000);
});

it('the debugger of another process that has the port is none of ours', () => {
  const here = machine(['2']);
  const { awayMs } = watch(here.reader, { debugPort: 9229 });
  here.sockets = [listener(9229, '1'), connection(9229, '3')];
  expect(awayMs()).toBe(Number.POSITIVE_INFINITY);
});

it('a port that nobody could know is one that was opened while main stood still', () => {
  const here = machine(['8', '9']);
  const { debuggers, awayMs } = watch(here.reader, { debugPort: 0 });
  here.sockets = [listener(8080, '1'), connection(8080, '8')];
  debuggers.note(true);
  expect(awayMs()).toBe(Number.POSITIVE_INFINITY);
  here.sockets = [listener(8080, '1'), listener(45_453, '2'), connection(8080, '8')];
  debuggers.note(true);
  expect(awayMs()).toBe(Number.POSITIVE_INFINITY);
  here.sockets = [...here.sockets, connection(45_453, '9')];
  expect(awayMs()).toBe(0);
  // Main turns again, and knows the port itself.
  debuggers.note(false);
  expect(awayMs()).toBe(1000);
});

it('where connections are not listed, an open port is taken for a debugger', () => {
  const here = machine();
  here.sockets = undefined;
  expect(watch(here.reader, { debugPort: 9229, inspectorOpen: true }).awayMs()).toBe(0);
  expect(watch(here.reader, { debugPort: 9229 }).awayMs()).toBe(Number.POSITIVE_INFINITY);
});
