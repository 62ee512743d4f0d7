import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { RETRYING } from './support/retry.js';

const config: ViteUserConfig = defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['{unit,integration,package,observability}/**/*.test.ts'],
    // Files side by side, but no more than the machine has cores for: tests run real processes with real
    // stalls.
    pool: 'forks',
    maxWorkers: 3,
    // Generous: these are deadlines, not expectations, and the machine may be small and busy with something
    // else.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    ...RETRYING,
  },
});

export default config;
