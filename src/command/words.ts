import type { Frame, RequestContext } from '../shared/stall.js';

/** A length of time, as exact as it is of use. */
export function duration(ms: number | undefined): string {
  if (ms === undefined) return '-';
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${seconds % 60} s`;
}

export const percent = (share: number | undefined): string =>
  share === undefined ? '-' : `${(100 * share).toFixed(0)} %`;

export function bytes(count: number | undefined): string {
  if (count === undefined) return '-';
  const mib = count / 2 ** 20;
  if (mib < 0.95) return `${(count / 1024).toFixed(0)} KiB`;
  return mib < 9.95 ? `${mib.toFixed(1)} MiB` : `${mib.toFixed(0)} MiB`;
}

/** A frame; in a table the end of its path does. */
export function place({ function: name, file, line, column }: Frame, short = false): string {
  return short ? `${name} (${endOf(file)}:${line})` : `${name} (${file}:${line}:${column})`;
}

const endOf = (file: string): string => file.split(/[/\\]/).slice(-2).join('/');

/** Which request: its name and trace, and what the app says of it. */
export function request({ name, traceId, spanId, context }: RequestContext, short = false): string {
  const said =
    context === undefined ? undefined : typeof context === 'string' ? context : JSON.stringify(context);
  if (short) return name ?? said ?? `trace ${traceId}`;
  const trace = traceId === undefined ? undefined : `trace ${traceId}`;
  const span = spanId === undefined ? undefined : `span ${spanId}`;
  return [name, trace, span, said].filter((one) => one !== undefined).join(', ');
}

/** The code of a frame, after it. */
export const codeOf = ({ code }: Frame): string => (code === undefined ? '' : `  ${code}`);

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;
