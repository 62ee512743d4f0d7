import { fileURLToPath } from 'node:url';

/**
 * Who runs the tests by hand sees each failure. The gate tries a failed one once more, and says so: a fault
 * fails twice, the mood of a machine does not. What the first try failed by is told, too.
 */
export const RETRYING: { retry: number; setupFiles: string[] } = process.env.CI
  ? { retry: 1, setupFiles: [fileURLToPath(new URL('tell-failures.ts', import.meta.url))] }
  : { retry: 0, setupFiles: [] };
