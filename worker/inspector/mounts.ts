import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join, normalize, resolve } from 'node:path';

/** File systems that answer from another machine or program, which may be gone: who asks then hangs. */
const MAY_HANG =
  /^(?:nfs\d?|cifs|smb\w*|ncpfs|afs|ceph|lustre|gfs2?|ocfs2|autofs|9p|fuse(?:\..*|blk)?|virtiofs)$/;
const LINKS_MAX = 40;

/**
 * Tells whether opening a path might never come back. The file system of the app's own entry is trusted:
 * without it the app would not live either.
 * @param mountinfo as of `/proc/self/mountinfo`
 */
export function openMounts(entry: string | undefined, mountinfo: string): (path: string) => boolean {
  const mounts = mountinfo
    .split('\n')
    .map((line) => {
      const [fields = '', type = ''] = line.split(' - ');
      return { at: unescaped(fields.split(' ')[4] ?? ''), type: type.split(' ')[0] ?? '' };
    })
    .filter(({ at }) => at !== '')
    // The latest first: of two at one location it is the one that is seen.
    .reverse();
  const mountOf = (path: string): (typeof mounts)[number] | undefined =>
    mounts
      .filter(({ at }) => at === '/' || path === at || path.startsWith(`${at}/`))
      .reduce<(typeof mounts)[number] | undefined>(
        (best, one) => (best && best.at.length >= one.at.length ? best : one),
        undefined,
      );
  if (!mounts.some(({ type }) => MAY_HANG.test(type))) return () => false;
  const trusted = entry === undefined ? undefined : mountOf(resolve(entry));
  const isRisky = (path: string): boolean => {
    const mount = mountOf(path);
    return mount !== undefined && mount !== trusted && MAY_HANG.test(mount.type);
  };
  return (path) => leadsInto(normalize(path), isRisky);
}

/** Follows symbolic links by hand, part by part, and never into what is risky. */
function leadsInto(path: string, isRisky: (path: string) => boolean): boolean {
  let links = 0;
  let rest = path.split('/').filter(Boolean);
  let here = '/';
  while (rest.length > 0) {
    const next = join(here, rest[0] as string);
    rest = rest.slice(1);
    if (isRisky(next)) return true;
    const target = linkOf(next);
    if (target === undefined) here = next;
    else if (++links > LINKS_MAX) return true;
    else {
      rest = [...resolve(dirname(next), target).split('/').filter(Boolean), ...rest];
      here = '/';
    }
  }
  return false;
}

function linkOf(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    // Not there: opening it will say so.
    return undefined;
  }
}

/** Spaces and the like stand as octal numbers in mountinfo. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

export function readMountinfo(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    // Not Linux.
    return '';
  }
}
