import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { RETRY } from '../support/retry.js';

/** What takes minutes; `npm run test:endurance`. */
const config: ViteUserConfig = defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.test.ts'],
    testTimeout: 600_000,
    maxWorkers: 2,
    retry: RETRY,
  },
});

export default config;
