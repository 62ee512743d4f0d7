import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** What takes minutes; `npm run test:endurance`. */
const config: ViteUserConfig = defineConfig({
  test: { root: import.meta.dirname, include: ['*.test.ts'], testTimeout: 600_000, retry: 0 },
});

export default config;
