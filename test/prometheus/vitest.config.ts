import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** Against a real Prometheus and a real Alertmanager; `npm run test:prometheus`. */
const config: ViteUserConfig = defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 400_000,
    retry: 0,
  },
});

export default config;
