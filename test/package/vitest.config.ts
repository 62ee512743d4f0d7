import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { RETRYING } from '../support/retry.js';

/** What needs the registry; `npm run test:tools`. */
const config: ViteUserConfig = defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['**/*.nightly.ts'],
    // One after another: each installs, builds and freezes.
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    ...RETRYING,
  },
});

export default config;
