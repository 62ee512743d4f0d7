import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { RETRY } from '../support/retry.js';

/** What needs the registry; `npm run test:tools`. */
const config: ViteUserConfig = defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.nightly.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    retry: RETRY,
  },
});

export default config;
