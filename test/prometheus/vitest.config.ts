import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { RETRYING } from '../support/retry.js';

/** Against a real Prometheus and a real Alertmanager; `npm run test:prometheus`. */
const config: ViteUserConfig = defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 400_000,
    ...RETRYING,
  },
});

export default config;
