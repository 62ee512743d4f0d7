import { tmpdir } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { appEnvironment } from '../app-environment.js';
import { instanceOfProcess, portOf } from '../instance.js';
import type { ResolvedOptions } from '../options/options.js';
import type { SidecarOptions } from '../shared/protocol.js';
import { threadpoolSize } from '../threadpool-size.js';
import { whyNotInspectable } from './inspectable.js';

/**
 * What the sidecar is told: the options, and what it cannot find out by itself. As they are when the watchdog
 * starts.
 */
export function sidecarOptions(resolved: ResolvedOptions): SidecarOptions {
  const { registry, log, capture, context, perProcess, ...settings } = resolved;
  const instance = perProcess ? instanceOfProcess() : undefined;
  const env = appEnvironment();
  return {
    ...settings,
    port: portOf(resolved.port, instance),
    relay: registry !== undefined,
    log: typeof log === 'string' ? log : undefined,
    capture: capture === false ? undefined : capture,
    context: context !== false,
    // The main thread's id is the process's; of another thread's, Node.js does not tell.
    threadId: isMainThread ? process.pid : undefined,
    notInspectable: whyNotInspectable(),
    // pm2 starts the app by a file of its own.
    entry: env.pm_exec_path ?? process.argv[1],
    directory: perProcess ? { root: tmpdir(), instance } : undefined,
    threadpoolSize: threadpoolSize(env.UV_THREADPOOL_SIZE),
    // Once: told anew after the clock was set, it would look like a restart.
    processStartedAtMs: Date.now() - process.uptime() * 1000,
  };
}
