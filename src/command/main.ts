import { parseArguments } from './arguments.js';
import type { Call } from './call.js';
import { createAsk } from './client.js';
import { CommandError } from './error.js';
import { type CommandName, helpOf } from './help.js';
import { profile } from './profile.js';
import { stacks } from './stacks.js';
import { stalls } from './stalls.js';
import { targetOf } from './target.js';
import { readToken } from './token.js';
import { top } from './top.js';

declare const __VERSION__: string;

/** Each returns its exit code if that is not 0. */
const RUN: Readonly<Record<CommandName, (call: Call) => Promise<number | undefined>>> = {
  top,
  stalls,
  stacks,
  profile,
};

async function run(args: readonly string[]): Promise<number> {
  const { env } = process;
  const print = (text: string): void => void process.stdout.write(text);
  const parsed = parseArguments(args);
  if (parsed === 'version') print(`${__VERSION__}\n`);
  else if ('help' in parsed) print(helpOf(parsed.help));
  else {
    const base = targetOf(parsed.target, env);
    const ask = createAsk(readToken(parsed.tokenFile, env));
    return (await RUN[parsed.command]({ ...parsed, base, ask, env, print })) ?? 0;
  }
  return 0;
}

function fail(error: unknown): number {
  const known = error instanceof CommandError;
  process.stderr.write(`event-loop-watchdog: ${known ? error.message : (error as Error).stack}\n`);
  if (known && error.exitCode === 2) process.stderr.write('See event-loop-watchdog --help.\n');
  return known ? error.exitCode : 1;
}

// Who reads has enough (`| head`): no failure. Anything else, such as a full disk, is one.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.exit(fail(new CommandError(`Standard output cannot be written: ${error.message}.`)));
});
process.stderr.on('error', () => {});

// Not by `process.exit()`, which would cut off what a slow reader of a pipe has yet to take.
run(process.argv.slice(2))
  .catch(fail)
  .then((code) => {
    process.exitCode = code;
  });
