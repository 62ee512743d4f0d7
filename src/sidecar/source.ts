/** The bundled sidecar as a string; put here by the build. */
declare const __SIDECAR_SOURCE__: string;

/**
 * The sidecar's program. Far from any call: tools that print the source line of a stack's frame (error pages,
 * `why-is-node-running`) would print all of it.
 */
export function sidecarSource(): string {
  return __SIDECAR_SOURCE__;
}
