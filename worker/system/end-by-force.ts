import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';

/**
 * Ends the process. The first one of a container (pid 1) gets no signal from within that it does not listen
 * for, a SIGKILL neither; but a breakpoint that nobody is there to take ends it, too.
 */
export function endByForce(): void {
  process.kill(process.pid, 'SIGKILL');
  setFlagsFromString('--allow-natives-syntax');
  runInThisContext('%SystemBreak()');
}
