export const COMMANDS = {
  top: 'a live table of all processes of the app on its host',
  stalls: 'the latest stalls and the worst offenders, or one stall in detail',
  stacks: 'what each thread does now, with its stack',
  profile: 'saves a CPU profile: of a thread from now on, or of a stall',
} as const;
export type CommandName = keyof typeof COMMANDS;

export const isCommand = (word: string): word is CommandName => Object.hasOwn(COMMANDS, word);
export const commandsInWords = (): string => Object.keys(COMMANDS).join(', ');

const NAME = 'event-loop-watchdog';

const TARGET = `\
TARGET is a port of this host, host:port, or an http(s) URL.
By default it is WATCHDOG_PORT, else 9464, of this host.

  --token-file FILE  the app's token, which other hosts need; or in WATCHDOG_TOKEN
                     or WATCHDOG_TOKEN_FILE. Never as an argument: arguments are
                     seen by every user of the host`;

const EXITS = `\
Exit code: 0, or 1 if the watchdog cannot be asked or refuses, 2 for wrong usage.
A certificate of an authority of your own: NODE_EXTRA_CA_CERTS=ca.pem ${NAME} …`;

const ALL = `\
Looks at an app that runs with ${NAME}, frozen or not, by its watchdog's port.

usage: ${NAME} COMMAND [TARGET] [--token-file FILE] [--json]

${Object.entries(COMMANDS)
  .map(([name, what]) => `  ${name.padEnd(9)}${what}`)
  .join('\n')}

${TARGET}
  --json             JSON for programs
  --help, -h         of a command: all about it, with examples
  --version, -v

${EXITS}
`;

const OF_COMMAND: Readonly<Record<CommandName, string>> = {
  top: `\
usage: ${NAME} top [TARGET] [--token-file FILE] [--json]

A table of all processes of the app on its host, drawn anew each second; q or
Ctrl-C ends it. In a pipe it is printed once. Each event loop under watch has a
line:

  STATE    starting, turning, late, blocked (a stall is under way), paused, silent
  LAG      how late its next heartbeat is now
  MAX 60s  its longest delay over the last 60 seconds
  UTIL     the part of the last second for which it was held
  STALLS   so far
  POOL     the fullest pool: tasks that run / that can run at once, + that wait
  NOW      the stall under way: cause, line to blame, request

  --json   an array with an object for each process, each on a line of its own:
           { url, pid, app, worker?, status? or error }

${TARGET}

  ${NAME} top
  ${NAME} top 9465
  kubectl exec -it shop-7d9f -- npx ${NAME} top
  ${NAME} top --json | jq '.[].status.sentence'
`,
  stalls: `\
usage: ${NAME} stalls [ID] [TARGET] [--token-file FILE] [--json]

The worst offenders and the latest twenty stalls, the newest last. With an ID
one stall: cause, culprit, requests, stacks with their lines of source.

  --json   as GET /api/stalls, or GET /api/stalls/ID, answers: all of the latest
           hundred, newest first

${TARGET}

  ${NAME} stalls
  ${NAME} stalls 4711-mif7kq3at0r4xk2m9qp-1234
  ${NAME} stalls shop-1.internal:9464 --token-file /run/secrets/watchdog
  ${NAME} stalls --json | jq '.offenders[0]'
`,
  stacks: `\
usage: ${NAME} stacks [TARGET] [--token-file FILE] [--json]

A dump of all threads of the process: what each does, and its stack. The main
thread may be frozen. It takes a second or two, and the threads milliseconds.

  --json   as POST /debug/threads answers

${TARGET}

  ${NAME} stacks
  ${NAME} stacks 9465 > threads.txt
`,
  profile: `\
usage: ${NAME} profile [TARGET] [--seconds 5] [--thread main] [--output FILE]
       ${NAME} profile [TARGET] --stall ID [--output FILE]

Saves a .cpuprofile, for Chrome DevTools, VS Code or speedscope.

  --seconds N    for so long, 1 to 30; by default 5
  --thread NAME  of this thread, by its name or its id; by default main
  --stall ID     what was sampled in that stall
  --output FILE  where to; - is standard output. By default a new file in this
                 folder. What is there already is not overwritten
  --json         { file, bytes } in place of the words

${TARGET}

  ${NAME} profile
  ${NAME} profile --seconds 20 --thread indexer
  ${NAME} profile --stall 4711-mif7kq3at0r4xk2m9qp-1234
  kubectl exec shop-7d9f -- npx ${NAME} profile --output - > shop.cpuprofile
`,
};

export function helpOf(command: CommandName | undefined): string {
  return command === undefined ? ALL : `${OF_COMMAND[command]}\n${EXITS}\n`;
}
