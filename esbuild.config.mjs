import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

const { version } = JSON.parse(await readFile('package.json', 'utf8'));
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  write: false,
  metafile: true,
  legalComments: 'none',
  logLevel: 'warning',
  define: { __VERSION__: JSON.stringify(version) },
};

await rm('dist', { recursive: true, force: true });
await mkdir('dist', { recursive: true });

// The sidecar: one CommonJS program, carried as a string inside the package, so that no bundler, file tracer or
// missing file can part the two.
const sidecar = await build({
  ...common,
  entryPoints: ['worker/main.ts'],
  format: 'cjs',
  minifySyntax: true,
  minifyWhitespace: true,
});
guardWalls(
  sidecar.metafile,
  'worker/',
  (input) => !input.startsWith('src/') || input.startsWith('src/shared/'),
);
const source = `${sidecar.outputFiles[0].text}\n//# sourceURL=event-loop-watchdog-sidecar.cjs\n`;

const library = await build({
  ...common,
  entryPoints: ['src/index.ts', 'src/register.ts'],
  outdir: 'dist',
  format: 'esm',
  splitting: true,
  chunkNames: 'watchdog-[hash]',
  define: { ...common.define, __SIDECAR_SOURCE__: JSON.stringify(source) },
});
guardWalls(library.metafile, 'src/', (input) => !input.startsWith('worker/'));
for (const file of library.outputFiles) await writeFile(file.path, file.contents);

// What is bundled brings its licence along.
for (const name of ['comlink', 'prom-client']) {
  await mkdir('dist/licences', { recursive: true });
  await copyFile(`node_modules/${name}/LICENSE`, `dist/licences/${name}.txt`);
}

/** The walls between the parts: what the bundle of one part may not take in. */
function guardWalls(metafile, part, allowed) {
  const strangers = Object.keys(metafile.inputs).filter((input) => !allowed(input));
  if (strangers.length > 0) throw new Error(`${part} must not import ${strangers.join(', ')}`);
}
