import * as figures from '../shared/figures.js';
import type { Frame, RequestContext } from '../shared/stall.js';

type Tell = (value: number | undefined) => string;

/** What is not known is a dash. */
const orDash =
  (tell: (value: number) => string): Tell =>
  (value) =>
    value === undefined ? '-' : tell(value);

export const duration: Tell = orDash(figures.duration);
export const percent: Tell = orDash(figures.percent);
export const bytes: Tell = orDash(figures.bytes);

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
