// Stands in for `next build`: each entry becomes a bundle of its own, with all that it imports inside,
// minified.
//
//   node examples/frameworks/next-like/build.mjs [folder]
import { build } from 'esbuild';

await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: ['instrumentation.ts', 'app/report/route.ts', 'server.ts'],
  outdir: process.argv[2] ?? 'dist',
  outbase: '.',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  minify: true,
  platform: 'node',
  format: 'cjs',
});
