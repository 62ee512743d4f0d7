import { fileURLToPath } from 'node:url';
import { type Child, startChild } from './child.js';
import { PATIENCE_MS } from './eventually.js';

export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url));
export const DEAD_MAN_MS = 120_000;

export interface Example extends Pick<Child, 'process' | 'exit' | 'kill'> {
  /**
   * What stands after `<name>: ` on the first such line of its output that is as wanted, once there is one.
   */
  line(name: string, wanted?: (rest: string) => boolean): Promise<string>;
  /** Where its watchdog serves, by the line that tells of its metrics. */
  url(): Promise<string>;
  /** The first line of JSON in its output that is as wanted, once there is one. */
  json<T>(what: string, wanted: (entry: T) => boolean): Promise<T>;
}

export interface ExampleOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
  readonly args?: readonly string[];
}

/** Runs an example (or a file by its absolute path) the way its first lines say, on ports of its own. */
export function startExample(
  file: string,
  { env = {}, flags = [], args = [] }: ExampleOptions = {},
): Example {
  // Loaded first: it ends even if this process is killed and can end nothing.
  const deadMan = `data:text/javascript,setTimeout(() => process.exit(86), ${DEAD_MAN_MS}).unref()`;
  const child = startChild(file.startsWith('/') ? file : `${ROOT}examples/${file}`, {
    args,
    nodeArgs: ['--import', deadMan, ...flags],
    env: { WATCHDOG_PORT: '0', PORT: '0', ...env },
    cwd: ROOT,
    channel: false,
    // Ends what blocks for ever and would not end by itself.
    deadManMs: DEAD_MAN_MS,
  });
  const line: Example['line'] = (name, wanted = () => true) =>
    child.line(`a line "${name}: ..."`, (text) => {
      const rest = text.startsWith(`${name}: `) ? text.slice(name.length + 2) : undefined;
      return rest !== undefined && wanted(rest) ? rest : undefined;
    });
  return {
    process: child.process,
    exit: child.exit,
    kill: child.kill,
    line,
    url: async () => (await line('metrics')).replace(/\/metrics$/, ''),
    json: <T>(what: string, wanted: (entry: T) => boolean) =>
      child.line(what, (text) => {
        if (!/^{.*}$/.test(text)) return undefined;
        const entry = JSON.parse(text) as T;
        return wanted(entry) ? entry : undefined;
      }),
  };
}

export async function get(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
  return response.text();
}
