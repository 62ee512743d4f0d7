import { rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onDisk } from '../system/own-calls.js';
import { namesIn, openFolder } from './folder.js';
import { type Listing, type Neighbour, nameOf, ownerOf, readListing, touch, writeWhole } from './listing.js';
import { hostScopeOfThisProcess, isStale, ownStart } from './liveness.js';

/** The processes of one app on this host that have a watchdog. Nothing here throws. */
export interface Directory {
  /** All live ones, this one too, by port. Removes the files of dead ones. */
  list(): readonly Neighbour[];
  /** Shows that this process lives, and lists it anew if its file is gone. To be called each minute or so. */
  stay(): void;
  /** Takes this process off the list. */
  leave(): void;
}

export interface DirectoryOptions {
  /** Called at most once. */
  readonly warn: (message: string) => void;
  /** Temporary directory. The default knows no TMPDIR in a thread without environment: main has to tell. */
  readonly root?: string;
}

/**
 * Lists this process among those of the app, as a file of its own: no locks, no one in charge, and what a
 * killed process leaves is removed by the next that looks.
 */
export function joinDirectory(app: string, self: Listing, options: DirectoryOptions): Directory {
  const { warn, root = tmpdir() } = options;
  const { port, host, worker, tls } = self;
  const me: Neighbour = { pid: process.pid, startedAt: ownStart(), port, host, worker, tls };
  const scope = hostScopeOfThisProcess();
  const name = nameOf(scope, me);
  let file: string | undefined;
  let here = true;
  let warned = false;

  function attempt<T>(act: () => T, otherwise: T): T {
    try {
      return onDisk(act);
    } catch (error) {
      if (!warned) warn(`GET /sd may not list all processes of the app: ${(error as Error).message}`);
      warned = true;
      return otherwise;
    }
  }
  function enter(): void {
    file = join(openFolder(root, app), name);
    writeWhole(file, JSON.stringify(self, ['port', 'host', 'worker', 'tls']));
  }
  function stay(): void {
    if (!here) return;
    // Anew each time: by a `setuid` of the app it becomes another folder.
    const folder = openFolder(root, app);
    if (file !== join(folder, name) || !touch(file)) enter();
  }
  const others = (): Neighbour[] => survey(openFolder(root, app), scope).filter(({ pid }) => pid !== me.pid);

  attempt(enter, undefined);
  attempt(others, []); // Where nobody ever asks, what killed processes left would pile up.
  return {
    list() {
      attempt(stay, undefined);
      const all = [...(here ? [me] : []), ...attempt(others, [])];
      return all.sort((a, b) => a.port - b.port || a.pid - b.pid);
    },
    stay: () => attempt(stay, undefined),
    leave() {
      here = false;
      try {
        if (file !== undefined) rmSync(file, { force: true });
      } catch {
        // The next that looks removes it.
      }
    },
  };
}

/** The live processes of this scope that have a file in the folder. Removes files of dead ones. */
function survey(folder: string, scope: string): Neighbour[] {
  return [...namesIn(folder)].flatMap((name) => {
    const owner = ownerOf(name);
    if (owner === undefined) return [];
    const file = join(folder, name);
    try {
      if (isStale(file, owner, scope)) unlinkSync(file);
      else if (owner.scope === scope && name.endsWith('.json')) return [readListing(file, owner)];
    } catch {
      // Removed meanwhile, or not written by a watchdog: one such file must not hide the others.
    }
    return [];
  });
}
