import { APP, FREEZE_JS, FREEZE_TS, type Project, type Way } from './project.js';

const JS: Project['files'] = { 'src/app.js': APP, 'src/freeze.js': FREEZE_JS };
const TS: Project['files'] = { 'src/app.ts': APP, 'src/freeze.ts': FREEZE_TS };

/** Each bundler in three ways: as it is, minified, and minified without a map. */
function threeWays(
  culprit: string,
  bundle: string,
  build: (map: boolean, minify: boolean) => string,
  files?: (map: boolean, minify: boolean) => Project['files'],
): Way[] {
  const way = (name: string, map: boolean, minify: boolean): Way => ({
    name,
    build: build(map, minify),
    ...(files && { files: files(map, minify) }),
    start: `node ${bundle}`,
    culprit: map ? culprit : bundle,
  });
  return [
    way('source map', true, false),
    way('minified, source map', true, true),
    way('minified, no map', false, true),
  ];
}

/** ` flag` if so. */
const only = (so: boolean, flag: string): string => (so ? ` ${flag}` : '');

export const BUNDLERS: readonly Project[] = [
  {
    name: 'esbuild',
    tool: 'esbuild',
    dependencies: { esbuild: '0.28.2' },
    files: TS,
    ways: threeWays(
      'src/freeze.ts',
      'dist/app.mjs',
      (map, minify) =>
        `esbuild src/app.ts --bundle --platform=node --format=esm --outfile=dist/app.mjs${only(map, '--sourcemap')}${only(minify, '--minify')}`,
    ),
  },
  {
    name: 'Rollup',
    tool: 'rollup',
    dependencies: {
      rollup: '4.68.8',
      '@rollup/plugin-commonjs': '29.0.3',
      '@rollup/plugin-node-resolve': '16.0.3',
      '@rollup/plugin-terser': '1.0.2',
    },
    files: JS,
    ways: threeWays(
      'src/freeze.js',
      'dist/app.mjs',
      (map, minify) =>
        `rollup src/app.js --file dist/app.mjs --format es --silent -p node-resolve -p commonjs${only(minify, '-p terser')}${only(map, '--sourcemap')}`,
    ),
  },
  {
    name: 'Vite, SSR',
    tool: 'vite',
    dependencies: { vite: '8.3.8' },
    files: TS,
    ways: threeWays(
      'src/freeze.ts',
      'dist/app.mjs',
      () => 'vite build --ssr src/app.ts --logLevel warn',
      (map, minify) => ({
        'vite.config.mjs': `export default {
          ssr: { noExternal: true },
          build: { sourcemap: ${map}, minify: ${minify}, rollupOptions: { output: { entryFileNames: 'app.mjs' } } },
        };`,
      }),
    ),
  },
  {
    name: 'webpack',
    tool: 'webpack',
    dependencies: { webpack: '5.112.2', 'webpack-cli': '7.3.1' },
    files: JS,
    ways: threeWays('src/freeze.js', 'dist/main.js', (map, minify) => {
      const mode = minify ? 'production' : 'none';
      return `webpack build --mode ${mode} --target node --entry ./src/app.js -o dist${only(map, '--devtool source-map')}`;
    }),
  },
  {
    name: 'Rspack',
    tool: '@rspack/core',
    dependencies: { '@rspack/core': '2.3.3', '@rspack/cli': '2.2.8' },
    files: JS,
    ways: threeWays(
      'src/freeze.js',
      'dist/main.js',
      () => 'rspack build',
      (map, minify) => ({
        'rspack.config.mjs': `export default {
          mode: '${minify ? 'production' : 'none'}',
          target: 'node',
          entry: './src/app.js',
          devtool: ${map} && 'source-map',
        };`,
      }),
    ),
  },
  {
    name: 'tsup',
    tool: 'tsup',
    dependencies: { tsup: '9.0.0', typescript: '5.9.3' },
    files: TS,
    ways: threeWays(
      'src/freeze.ts',
      'dist/app.js',
      (map, minify) => `tsup src/app.ts --format cjs${only(map, '--sourcemap')}${only(minify, '--minify')}`,
      () => ({ 'tsup.config.mjs': "export default { noExternal: ['event-loop-watchdog'] };" }),
    ),
  },
  {
    name: 'ncc',
    tool: '@vercel/ncc',
    dependencies: { '@vercel/ncc': '0.45.0' },
    files: JS,
    ways: threeWays(
      'src/freeze.js',
      'dist/index.js',
      (map, minify) => `ncc build src/app.js -o dist -q${only(map, '-s')}${only(minify, '-m')}`,
    ).map((way) =>
      way.name === 'minified, source map'
        ? { ...way, culprit: 'src/app.js:5', note: 'works; its map leads there from all of a module' }
        : way,
    ),
  },
];
