import { parseArgs } from 'node:util';
import { nearest } from '../shared/nearest.js';
import { wrongUsage } from './error.js';
import { COMMANDS, type CommandName, commandsInWords, isCommand } from './help.js';

const FLAGS = {
  'token-file': { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
  seconds: { type: 'string' },
  thread: { type: 'string' },
  output: { type: 'string' },
  stall: { type: 'string' },
} as const;
type Flag = keyof typeof FLAGS;

/** These are taken by each command. */
const COMMON: readonly Flag[] = ['token-file', 'json', 'help', 'version'];
const OWN: Readonly<Record<CommandName, readonly Flag[]>> = {
  top: [],
  stalls: [],
  stacks: [],
  profile: ['seconds', 'thread', 'output', 'stall'],
};

const SECONDS_MAX = 30;
/** As the sidecar makes them: process id, start and turn. No host is called so. */
const STALL_ID = /^\d+-\w+-\d+$/;

/** What the command is told to do. */
export interface Invocation {
  readonly command: CommandName;
  /** As it was written; see `target.ts`. */
  readonly target: string | undefined;
  readonly tokenFile: string | undefined;
  readonly json: boolean;
  /** Id of a stall. */
  readonly stall: string | undefined;
  readonly seconds: number | undefined;
  readonly thread: string | undefined;
  readonly output: string | undefined;
}

/** @throws CommandError for what is not known, or does not go together */
export function parseArguments(
  args: readonly string[],
): Invocation | { readonly help: CommandName | undefined } | 'version' {
  const { values, positionals } = read(args);
  const [command, ...rest] = positionals;
  if (command !== undefined && !isCommand(command)) throw wrongUsage(unknownCommand(command));
  if (values.has('help')) return { help: command };
  if (values.has('version')) return 'version';
  if (command === undefined) throw wrongUsage(`Which command? There are ${commandsInWords()}.`);
  checkFlags(command, [...values.keys()]);

  const id = command === 'stalls' ? rest.find((word) => STALL_ID.test(word)) : undefined;
  const [target, ...excess] = rest.filter((word) => word !== id);
  if (excess.length > 0) throw wrongUsage(`${command} does not know what to do with ${quoted(excess[0])}.`);
  const stall = id ?? textOf(values, 'stall');
  if (stall !== undefined && !STALL_ID.test(stall)) {
    throw wrongUsage(`--stall must be the id of a stall, as \`stalls\` shows it, but is ${quoted(stall)}.`);
  }
  return {
    command,
    target,
    stall,
    tokenFile: textOf(values, 'token-file'),
    json: values.has('json'),
    seconds: secondsOf(textOf(values, 'seconds')),
    thread: textOf(values, 'thread'),
    output: textOf(values, 'output'),
  };
}

type Values = ReadonlyMap<string, string | undefined>;

/** Not by `parseArgs`' strict mode, whose errors name neither the nearest nor what there is. */
function read(args: readonly string[]): { values: Values; positionals: readonly string[] } {
  const { tokens } = parseArgs({
    args: [...args],
    options: FLAGS,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const values = new Map<string, string | undefined>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    checkValue(token);
    values.set(token.name, token.value);
  }
  return { values, positionals };
}

function checkValue({ name, rawName, value, inlineValue }: OptionToken): void {
  if (!Object.hasOwn(FLAGS, name)) return;
  const wantsOne = FLAGS[name as Flag].type === 'string';
  if (!wantsOne && value !== undefined) throw wrongUsage(`${rawName} takes no value.`);
  // A flag that follows is no value; who means one that begins like a flag writes it with an equals sign.
  const missing = value === undefined || value === '' || (inlineValue === false && /^-./.test(value));
  if (wantsOne && missing) throw wrongUsage(`${rawName} needs a value.`);
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function checkFlags(command: CommandName, given: readonly string[]): void {
  const allowed: readonly string[] = [...OWN[command], ...COMMON];
  for (const flag of given) {
    if (allowed.includes(flag)) continue;
    if (flag === 'token') {
      throw wrongUsage(
        'The command line of a process is seen by every user of the host: a token is not taken from it, ' +
          'but from a file (--token-file FILE), or from WATCHDOG_TOKEN or WATCHDOG_TOKEN_FILE.',
      );
    }
    const named = allowed.map((one) => `--${one}`).join(', ');
    const likely = flag.length > 1 ? `; the nearest is --${nearest(flag, allowed)}` : '';
    throw wrongUsage(`${command} has no ${flag.length > 1 ? '--' : '-'}${flag}${likely}. It has ${named}.`);
  }
  if (given.includes('stall') && (given.includes('seconds') || given.includes('thread'))) {
    throw wrongUsage('--stall saves what was sampled then: it takes neither --seconds nor --thread.');
  }
}

function textOf(values: Values, flag: Flag): string | undefined {
  return values.get(flag);
}

function secondsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (seconds >= 1 && seconds <= SECONDS_MAX) return seconds;
  throw wrongUsage(`--seconds must be a number from 1 to ${SECONDS_MAX}, but is ${quoted(text)}.`);
}

function unknownCommand(word: string): string {
  return `There is no command ${quoted(word)}; the nearest is ${nearest(word, Object.keys(COMMANDS))}. There are ${commandsInWords()}.`;
}

const quoted = (text: string | undefined): string => JSON.stringify(text);
