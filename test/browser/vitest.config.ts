import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { RETRYING } from '../support/retry.js';

/** In a real Chromium; `npm run test:browser`. */
const config: ViteUserConfig = defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.test.ts'],
    // They wait for most of their time.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    ...RETRYING,
  },
});

export default config;
