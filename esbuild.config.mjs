import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';
import { rolldown } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';

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

// The threads: one CommonJS program each, carried as a string inside the one that starts it, so that no
// bundler, file tracer or missing file can part them.
const inspector = await bundleThread('worker/inspector/main.ts', 'event-loop-watchdog-inspector.cjs');
const sidecar = await bundleThread('worker/main.ts', 'event-loop-watchdog-sidecar.cjs', {
  __INSPECTOR_SOURCE__: JSON.stringify(inspector),
});

const library = await build({
  ...common,
  entryPoints: ['src/index.ts', 'src/register.ts'],
  outdir: 'dist',
  format: 'esm',
  splitting: true,
  chunkNames: 'watchdog-[hash]',
  define: { ...common.define, __SIDECAR_SOURCE__: JSON.stringify(sidecar) },
});
guardWalls(library.metafile, 'src/', (input) => !input.startsWith('worker/'));
for (const file of library.outputFiles) await writeFile(file.path, file.contents);

// What is bundled brings its licence along.
for (const name of ['comlink', 'prom-client']) {
  await mkdir('dist/licences', { recursive: true });
  await copyFile(`node_modules/${name}/LICENSE`, `dist/licences/${name}.txt`);
}

await bundleTypes();

/** The public declarations in one file; what they do not need of the others stays at home. */
async function bundleTypes() {
  const bundle = await rolldown({
    input: { index: 'src/index.ts' },
    external: /^node:/,
    plugins: dts({ oxc: true, emitDtsOnly: true, tsconfig: 'src/tsconfig.json' }),
  });
  await bundle.write({ dir: 'dist' });
  await bundle.close();
  // It declares nothing, but tells what it does.
  const [what] = (await readFile('src/register.ts', 'utf8')).split(/(?<=\*\/\n)/);
  await writeFile('dist/register.d.ts', `${what}export {};\n`);
}

/**
 * A thread's program as a string, to be defined into a module of its own, such as `src/sidecar/source.ts`.
 */
async function bundleThread(entry, name, define = {}) {
  const { metafile, outputFiles } = await build({
    ...common,
    entryPoints: [entry],
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true,
    define: { ...common.define, ...define },
  });
  guardWalls(metafile, 'worker/', (input) => !input.startsWith('src/') || input.startsWith('src/shared/'));
  return `${outputFiles[0].text}\n//# sourceURL=${name}\n`;
}

/** The walls between the parts: what the bundle of one part may not take in. */
function guardWalls(metafile, part, allowed) {
  const strangers = Object.keys(metafile.inputs).filter((input) => !allowed(input));
  if (strangers.length > 0) throw new Error(`${part} must not import ${strangers.join(', ')}`);
}
