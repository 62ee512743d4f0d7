/** The bundled inspector thread as a string; put here by the build. */
declare const __INSPECTOR_SOURCE__: string;

/** The inspector thread's program. Far from any call: some tools print the source line of a stack's frame. */
export function inspectorSource(): string {
  return __INSPECTOR_SOURCE__;
}
