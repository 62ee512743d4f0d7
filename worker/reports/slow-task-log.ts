import type { LogFormat } from '../../src/shared/protocol.js';
import type { SlowTask } from '../../src/shared/slow-task.js';
import { whereOf } from './journal.js';
import { leftOut } from './stall-log.js';

/** The line of the log that tells of a slow task. */
export function slowTaskLine(format: LogFormat, task: SlowTask, left: number): string {
  return format === 'json' ? jsonLine(task, left) : textLine(task, left);
}

function textLine(task: SlowTask, left: number): string {
  const { pool, ranMs, file, function: name, result, culprit, nativeMs } = task;
  const where = whereOf(task);
  const awaits = result === 'captured' && !where;
  return [
    `event-loop-watchdog: a task of the pool ${pool} has run for ${ranMs.toFixed(0)} ms`,
    file === undefined ? '' : `: ${name} ${file}`,
    where === undefined ? '' : `, now in ${where}`,
    awaits ? ', which awaits something' : '',
    nativeMs === undefined ? '' : `, native code for ${nativeMs.toFixed(0)} ms`,
    culprit?.code === undefined ? '' : `  ${culprit.code.replaceAll('\t', ' ')}`,
    leftOut(left),
  ].join('');
}

function jsonLine({ frames, ...task }: SlowTask, left: number): string {
  return JSON.stringify({
    level: 'warn',
    time: new Date().toISOString(),
    msg: 'pool task is slow',
    ...task,
    ...(left > 0 && { notLogged: left }),
  });
}
