// The terminal, if it is one: a picture that is drawn over the one before.
import { styleText } from 'node:util';

const WRAP_OFF = '\x1b[?7l';
const WRAP_ON = '\x1b[?7h';
const CLEAR_BELOW = '\x1b[J';
/** Some terminals do not know their height. */
const ROWS = 24;

export function createScreen(stream) {
  const live = stream.isTTY === true && process.env.TERM !== 'dumb';
  // Asks the terminal and honours NO_COLOR.
  const colours = stream.isTTY === true && stream.hasColors();
  let drawn = 0;

  const erase = () => (drawn > 0 ? `\x1b[${drawn}A${CLEAR_BELOW}` : '');
  // However this process ends, the terminal gets back what was switched off.
  if (live) process.once('exit', () => stream.write(WRAP_ON));

  return {
    live,
    paint: (style, text) => (colours ? styleText(style, text) : text),
    /** Draws over what was drawn before. A line that is too long is cut, for the lines are counted. */
    draw(lines) {
      const fitting = lines.slice(0, (stream.rows || ROWS) - 1);
      stream.write(`${WRAP_OFF}${erase()}${fitting.join('\n')}\n${WRAP_ON}`);
      drawn = fitting.length;
    },
    /** Writes lines that stay, in place of what was drawn. */
    print(lines) {
      stream.write(`${erase()}${lines.join('\n')}\n`);
      drawn = 0;
    },
  };
}
