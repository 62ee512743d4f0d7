import type { LogFormat } from '../../src/shared/protocol.js';
import type { Stall } from '../../src/shared/stall.js';
import { writeLine } from '../log.js';
import { requestInWords } from '../stalls/requests.js';
import { whereOf } from './journal.js';

/** Lines a minute; how many were left out is said with the next. */
const LINES_MAX = 20;
const WINDOW_MS = 60_000;

/** Says where one of several processes listens. */
export function logPort(format: LogFormat, instance: number | undefined, url: string): void {
  const who = instance === undefined ? `process ${process.pid}` : `worker ${instance} (pid ${process.pid})`;
  logNews(format, `${who} serves ${url}/metrics`, { instance, pid: process.pid, url });
}

/** Logs what there is to know besides stalls. */
export function logNews(format: LogFormat, msg: string, more: object = {}): void {
  const entry = { level: 'info', time: new Date().toISOString(), msg, ...more };
  writeLine(format === 'json' ? JSON.stringify(entry) : `event-loop-watchdog: ${msg}`);
}

/** Says that causes cannot be told here. */
export function logNoAccounts(format: LogFormat): void {
  const text =
    'the accounts of threads in /proc cannot be read, or are empty: causes of stalls are told as unknown';
  const entry = { level: 'warn', time: new Date().toISOString(), msg: text };
  writeLine(format === 'json' ? JSON.stringify(entry) : `event-loop-watchdog: ${text}`);
}

/**
 * Logs what happens, bounded in rate.
 * @returns to be called with what makes a line, which is told how many were left out before it
 */
export function createLog(): (nowMs: number, line: (left: number) => string) => void {
  let windowMs = Number.NEGATIVE_INFINITY;
  let lines = 0;
  let left = 0;
  return (nowMs, line) => {
    if (nowMs - windowMs > WINDOW_MS) {
      windowMs = nowMs;
      lines = 0;
    }
    if (++lines > LINES_MAX) {
      left++;
      return;
    }
    writeLine(line(left));
    left = 0;
  };
}

export function stallLine(format: LogFormat, stall: Stall, left: number): string {
  return format === 'json' ? jsonLine(stall, left) : textLine(stall, left);
}

function textLine(stall: Stall, left: number): string {
  const where = whereOf(stall);
  const code = stall.culprit?.code;
  const request = requestInWords(stall.requests);
  const ms = stall.durationMs.toFixed(0);
  return [
    `event-loop-watchdog: the ${stall.thread} thread stalled for ${ms} ms (${stall.cause})`,
    ...(where === undefined ? [] : [` in ${where}`]),
    ...(stall.nativeMs === undefined ? [] : [`, native code for ${stall.nativeMs.toFixed(0)} ms`]),
    ...(request === undefined ? [] : [`, ${request}`]),
    ...(code === undefined ? [] : [`  ${code.replaceAll('\t', ' ')}`]),
    leftOut(left),
  ].join('');
}

export const leftOut = (left: number): string => (left > 0 ? `  [${left} more were not logged]` : '');

function jsonLine({ stacks, ...stall }: Stall, left: number): string {
  return JSON.stringify({
    level: 'warn',
    time: new Date().toISOString(),
    msg: 'event loop stalled',
    ...stall,
    ...(left > 0 && { notLogged: left }),
  });
}
