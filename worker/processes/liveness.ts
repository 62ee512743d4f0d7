import { createHash } from 'node:crypto';
import { lstatSync, readlinkSync } from 'node:fs';
import { readStat } from '../../src/shared/proc-stat.js';
import { read } from '../system/thread.js';

/** After so long without a sign a process that cannot be asked is dead. Cleaners of /tmp wait longer. */
const FORGET_MS = 24 * 3600 * 1000;

/** Of a file: whose it is. */
export interface Owner {
  readonly scope: string;
  readonly pid: number;
  readonly startedAt: string | undefined;
}

/**
 * Where a pid, a port and a start time mean what they mean here: the boot of this machine, and the pid,
 * network and time namespaces. A folder may be seen from several such places, by containers that share /tmp
 * or by machines that share a disk. A neighbour of another scope is not listed, since its port need not be
 * open at our address; and not removed when its pid is unknown or another's here, since it may live. It is
 * only once it has not shown for a day that it lives, or a container that is killed and replaced again and
 * again would fill the disk.
 */
export function hostScopeOfThisProcess(): string {
  const namespaces = ['pid', 'net', 'time'].map((kind) => {
    try {
      return readlinkSync(`/proc/self/ns/${kind}`);
    } catch {
      return ''; // Not Linux, or an old one: there is one such scope.
    }
  });
  const boot = read('/proc/sys/kernel/random/boot_id') ?? '';
  return createHash('sha256')
    .update([boot, ...namespaces].join('\n'))
    .digest('hex')
    .slice(0, 16);
}

/** Not if `/proc` is that of another pid namespace: it would tell of other processes. */
export function ownStart(): string | undefined {
  const stat = readStat('/proc/self');
  return stat?.id === process.pid ? stat.startedAt : undefined;
}

/** Whether a file is that of a process that is no more. */
export function isStale(file: string, owner: Owner, scope: string): boolean {
  if (owner.scope === scope && !isAlive(owner)) return true;
  const certain = owner.scope === scope && owner.startedAt !== undefined;
  return !certain && Date.now() - lstatSync(file).mtimeMs > FORGET_MS;
}

function isAlive({ pid, startedAt }: Owner): boolean {
  const stat = startedAt === undefined ? undefined : readStat(`/proc/${pid}`);
  // A zombie, which no parent has asked for yet, serves nothing.
  if (stat) return stat.startedAt === startedAt && !/[ZX]/.test(stat.state);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
