import { opendirSync, statSync } from 'node:fs';
import { read } from './thread.js';

/** What the system tells of the process; what it does not tell is `undefined`. */
export interface ProcessUsage {
  /** CPU time of all threads since the process began. */
  readonly userSeconds: number | undefined;
  readonly systemSeconds: number | undefined;
  readonly residentBytes: number | undefined;
  readonly virtualBytes: number | undefined;
  readonly openFds: number | undefined;
  readonly maxFds: number | undefined;
}

const FDS = '/proc/self/fd';
/** Where file descriptors must be listed to be counted, it is not done for more: it would take the scrape's time. */
const LISTED_MAX = 20_000;

/** Live, whatever the app's thread does. Sync: of all these files none lies on a disk. */
export function readProcess(): ProcessUsage {
  const cpu = known(() => process.cpuUsage());
  const { residentBytes, virtualBytes } = parseStatus(read('/proc/self/status') ?? '');
  return {
    userSeconds: cpu && cpu.user / 1e6,
    systemSeconds: cpu && cpu.system / 1e6,
    residentBytes: residentBytes ?? readResidentBytes(),
    virtualBytes,
    openFds: known(countFds),
    maxFds: parseMaxFds(read('/proc/self/limits') ?? ''),
  };
}

/** `undefined` if no file descriptor is left, say. */
export const readResidentBytes = (): number | undefined => known(process.memoryUsage.rss);

/** @param status as `/proc/self/status` has it */
export function parseStatus(status: string): Pick<ProcessUsage, 'residentBytes' | 'virtualBytes'> {
  const bytes = (name: string): number | undefined => {
    const kibibytes = new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
  };
  return { residentBytes: bytes('VmRSS'), virtualBytes: bytes('VmSize') };
}

/** @param limits as `/proc/self/limits` has them; the soft one holds, and `unlimited` is none */
export function parseMaxFds(limits: string): number | undefined {
  const soft = /^Max open files +(\d+) /m.exec(limits)?.[1];
  return soft === undefined ? undefined : Number(soft);
}

/** Linux tells from 6.2 on. */
function countFds(): number | undefined {
  return statSync(FDS).size || listFds();
}

function listFds(): number | undefined {
  const directory = opendirSync(FDS);
  try {
    let listed = 0;
    while (listed <= LISTED_MAX && directory.readSync() !== null) listed++;
    // This list is among them.
    return listed > LISTED_MAX ? undefined : listed - 1;
  } finally {
    directory.closeSync();
  }
}

function known<T>(reading: () => T): T | undefined {
  try {
    return reading();
  } catch {
    // Another system, not permitted, or no file descriptor left: no such source.
    return undefined;
  }
}
