import { type Host, RELAY_TEXT_MAX } from './shared/protocol.js';
import type { MetricsRegistry } from './types.js';

/** Gives the app's own registry to the sidecar, at scrape time. */
export function createRelay(registry: MetricsRegistry | undefined): Host['relay'] {
  return async () => {
    const text = await registry?.metrics();
    if (typeof text !== 'string') throw new TypeError('the registry gave no text');
    // Here, before it is copied: a text too large for the sidecar's heap would take the process along.
    if (text.length > RELAY_TEXT_MAX)
      throw new RangeError(`the registry's text is over ${RELAY_TEXT_MAX} characters`);
    return { text, contentType: String(registry?.contentType ?? '') };
  };
}
