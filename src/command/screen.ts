import type { ReadStream, WriteStream } from 'node:tty';

const ESC = '\u001b[';
/** Another screen, without cursor, and without what is too long for a line going on in the next. */
const ENTER = `${ESC}?1049h${ESC}?25l${ESC}?7l`;
const LEAVE = `${ESC}?7h${ESC}?25h${ESC}?1049l`;
const CTRL_C = '\u0003';
const CTRL_Z = '\u001a';

/** A terminal's screen, taken for as long as the command runs. */
export interface Screen {
  draw(lines: readonly string[]): void;
  /** Resolves with the exit code when the user has enough: by q or Ctrl-C with 0, by a signal as shells say. */
  readonly ended: Promise<number>;
  /** Gives the terminal back as it was. Idempotent. */
  leave(): void;
}

/** @param redraw called when all must be drawn anew */
export function openScreen(input: ReadStream, output: WriteStream, redraw: () => void): Screen {
  const raw = (on: boolean): void => {
    if (input.isTTY) input.setRawMode(on);
  };
  const enter = (): void => {
    raw(true);
    output.write(ENTER);
  };
  let left = false;
  const leave = (): void => {
    if (left) return;
    left = true;
    output.off('resize', redraw);
    raw(false);
    input.pause();
    output.write(LEAVE);
  };
  // Whatever ends the process, a fault of ours, too.
  process.once('exit', leave);

  enter();
  output.on('resize', redraw);
  const ended = new Promise<number>((resolve) => {
    for (const [signal, code] of [
      ['SIGINT', 0],
      ['SIGTERM', 143],
      ['SIGHUP', 129],
    ] as const) {
      process.once(signal, () => resolve(code));
    }
    if (!input.isTTY) return;
    input.setEncoding('latin1');
    input.on('data', (keys: string) => {
      if (/[qQ]/.test(keys) || keys.includes(CTRL_C)) resolve(0);
      else if (keys.includes(CTRL_Z) && process.platform !== 'win32') suspend();
    });
    input.once('end', () => resolve(0));
  });

  /** As the shell's user expects of Ctrl-Z. It stops here, in the call, and goes on here by `fg`. */
  function suspend(): void {
    raw(false);
    output.write(LEAVE);
    process.kill(0, 'SIGTSTP');
    enter();
    redraw();
  }

  return {
    ended,
    leave,
    draw(lines) {
      if (left) return;
      // Over what is there, and the rest of each line cleared after it: nothing flickers.
      output.write(`${ESC}H${lines.map((line) => `${line}${ESC}K`).join('\r\n')}${ESC}J`);
    },
  };
}
