import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { RETRYING } from '../support/retry.js';

/** What takes minutes; `npm run test:endurance`. */
const config: ViteUserConfig = defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.test.ts'],
    testTimeout: 600_000,
    maxWorkers: 2,
    ...RETRYING,
  },
});

export default config;
