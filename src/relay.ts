import type { Host } from './shared/protocol.js';
import type { MetricsRegistry } from './types.js';

/** Gives the app's own registry to the sidecar, at scrape time. */
export function createRelay(registry: MetricsRegistry | undefined): Host['relay'] {
  return async () => {
    const text = await registry?.metrics();
    if (typeof text !== 'string') throw new TypeError('the registry gave no text');
    return { text, contentType: String(registry?.contentType ?? '') };
  };
}
