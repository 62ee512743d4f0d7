import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { NODE, OWN_ENV } from './child.js';
import { COMMAND } from './command.js';
import { eventually } from './eventually.js';

/** The command under a pseudo-terminal of its own: of util-linux, which each Debian has. */
export interface Terminal {
  /** All that was written to it so far. */
  output(): string;
  /** The lines of the latest whole drawing, without colours. */
  screen(): string[];
  /** How often it was drawn. */
  drawings(): number;
  /** Waits until the screen is as wanted. */
  shows(what: string, wanted: (lines: readonly string[]) => boolean): Promise<string[]>;
  type(keys: string): void;
  resize(columns: number, rows: number): void;
  signal(signal: NodeJS.Signals): void;
  /** The exit code of the command, and what `stty` says of the terminal after it. */
  readonly ended: Promise<{ readonly code: number; readonly modes: string }>;
}

const ESC = '\u001b[';
const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

export async function openTerminal(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Terminal> {
  const command = [NODE, COMMAND, ...args].map(quoted).join(' ');
  // The shell that is replaced by the command tells its process id and its terminal.
  const line = [
    'stty cols 120 rows 24',
    `sh -c ${quoted(`echo "[$$ $(tty)]"; exec ${command}`)}`,
    'echo "[code $?]"',
    'stty -a',
  ].join('; ');
  const child: ChildProcessWithoutNullStreams = spawn('script', ['-qfc', line, '/dev/null'], {
    env: { ...OWN_ENV, NODE_OPTIONS: '', TERM: 'xterm-256color', SHELL: '/bin/sh', ...env },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (data) => {
    output += data;
  });
  const ended = once(child, 'close').then(() => {
    const [, code, modes = ''] = /\[code (\d+)\]([\s\S]*)$/.exec(output) ?? [];
    return { code: Number(code), modes };
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [, pid, tty] = await eventually(() => /\[(\d+) (\S+)\]/.exec(output) ?? undefined, 'it has started');

  // Each begins where the cursor goes home, and clears what is below it.
  const drawings = (): string[] => output.split(`${ESC}H`).slice(1);
  const screen = (): string[] => {
    const last = drawings().findLast((one) => one.includes(`${ESC}J`)) ?? '';
    const [text = ''] = last.split(`${ESC}J`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what drives a terminal
    return text.replaceAll(/\u001b\[[\d;]*[mK]/g, '').split(/\r*\n/);
  };
  return {
    output: () => output,
    screen,
    drawings: () => drawings().length,
    shows: (what, wanted) => eventually(() => (wanted(screen()) ? screen() : undefined), what),
    type: (keys) => void child.stdin.write(keys),
    resize: (columns, rows) =>
      void execFileSync('stty', ['-F', tty as string, 'cols', `${columns}`, 'rows', `${rows}`]),
    signal: (signal) => void process.kill(Number(pid), signal),
    ended,
  };
}
