import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { build } from 'esbuild';
import { rolldown } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';
import { buildPage } from './worker/page/build.mjs';

const { version } = JSON.parse(await readFile('package.json', 'utf8'));
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  write: false,
  metafile: true,
  // The bundle names the files that it is made of: the same bytes, wherever those are.
  preserveSymlinks: true,
  legalComments: 'none',
  logLevel: 'warning',
  define: { __VERSION__: JSON.stringify(version) },
};

/** The packages that are bundled. */
const bundled = new Set();

await rm('dist', { recursive: true, force: true });
await mkdir('dist', { recursive: true });

// The threads: one CommonJS program each, carried as a string inside the one that starts it, so that no
// bundler, file tracer or missing file can part them.
const inspector = await bundleThread('worker/inspector/main.ts', 'event-loop-watchdog-inspector.cjs');
const sidecar = await bundleThread('worker/main.ts', 'event-loop-watchdog-sidecar.cjs', {
  __INSPECTOR_SOURCE__: JSON.stringify(inspector),
  __PAGE__: JSON.stringify(await buildPage(guardWalls)),
});

// All of the code in one CommonJS file, behind a door each for `require` and `import`: however many ways lead
// in, they lead to one module. Top-level await cannot get in; nor can import.meta, which would be empty.
const library = await build({
  ...common,
  stdin: {
    contents: [
      "export * from './index.js'; export { register } from './register.js';",
      "export { shedLoad as express } from './shedding/express.js';",
      "export { shedLoad as fastify } from './shedding/fastify.js';",
    ].join(' '),
    resolveDir: 'src',
  },
  outfile: 'dist/watchdog.cjs',
  format: 'cjs',
  banner: { js: "'use strict';" },
  logOverride: { 'empty-import-meta': 'error' },
  plugins: [
    { name: 'builtins', setup: askForBuiltins },
    { name: 'ids', setup: countCalls },
  ],
  define: { ...common.define, __SIDECAR_SOURCE__: JSON.stringify(sidecar) },
});
guardWalls(
  library.metafile,
  'src/',
  (input) => !input.startsWith('worker/') && !input.startsWith('src/command/'),
);
await writeFile('dist/watchdog.cjs', library.outputFiles[0].contents);
await writeDoors();
await bundleCommand();

await bringLicences();

await bundleTypes();

/**
 * Node.js' own modules by a call of `process`, and not by `require`: a bundler that makes an ES module of this
 * file would leave that standing, where there is none.
 */
function askForBuiltins({ onResolve, onLoad }) {
  // The bundle reads what properties a module has. One of these opens the app's standard streams on Node.js 22.
  onResolve({ filter: /^node:util$/ }, () => ({ errors: [{ text: 'src/ must not import node:util' }] }));
  onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'builtin' }));
  onLoad({ filter: /^/, namespace: 'builtin' }, ({ path }) => ({
    contents: `module.exports = process.getBuiltinModule('${path}');`,
  }));
}

/**
 * Comlink draws the ids of its calls from `Math.random`, which is the app's: where that is mocked the answers get
 * mixed up, and where it is seeded the app misses the numbers.
 */
function countCalls({ onLoad }) {
  onLoad({ filter: /[\\/]comlink[\\/]dist[\\/].*\.m?js$/ }, async ({ path }) => {
    const text = await readFile(path, 'utf8');
    const drawn = 'Math.floor(Math.random() * Number.MAX_SAFE_INTEGER)';
    if (!text.includes(drawn)) throw new Error(`${path} draws its ids in another way`);
    return { contents: text.replace(drawn, '(generateUUID.calls = (generateUUID.calls ?? 0) + 1)') };
  });
}

/** What is public, and by names that Node.js and bundlers can read off the text. */
async function writeDoors() {
  const { register, express, fastify, ...api } = createRequire(import.meta.url)('./dist/watchdog.cjs');
  const names = Object.keys(api).join(', ');
  await writeDoor(
    'index',
    `const { ${names} } = require('./watchdog.cjs');\nmodule.exports = { ${names} };\n`,
    names,
  );
  for (const name of Object.keys({ express, fastify })) {
    await writeDoor(name, `module.exports = { shedLoad: require('./watchdog.cjs').${name} };\n`, 'shedLoad');
  }
  await writeDoor('register', `require('./watchdog.cjs').${register.name}();\n`);
}

async function writeDoor(name, code, names) {
  await writeFile(`dist/${name}.cjs`, `'use strict';\n${code}`);
  const passedOn = names ? `export { ${names} } from` : 'import';
  await writeFile(`dist/${name}.js`, `${passedOn} './${name}.cjs';\n`);
}

/** What is bundled brings its licence along. */
async function bringLicences() {
  await mkdir('dist/licences', { recursive: true });
  for (const name of bundled) {
    const text =
      name === '@bufbuild/protobuf'
        ? await protobufLicence()
        : await readFile(`node_modules/${name}/LICENSE`, 'utf8');
    await writeFile(`dist/licences/${name.replace('@', '').replace('/', '-')}.txt`, text);
  }
}

/**
 * The package has no file for it: what the sources that are bundled begin with, and the Apache License that they
 * name, which is comlink's, too.
 */
async function protobufLicence() {
  const wire = 'node_modules/@bufbuild/protobuf/dist/esm/wire';
  const sources = await Promise.all(
    ['binary-encoding.js', 'varint.js'].map((file) => readFile(`${wire}/${file}`, 'utf8')),
  );
  const notices = sources.map((source) => /^(?:\/\/.*\n)+/.exec(source)[0].replace(/^\/\/ ?/gm, ''));
  const [terms] = (await readFile('node_modules/comlink/LICENSE', 'utf8')).split(/(?<=END OF TERMS.*\n)/);
  return [...notices, terms].join('\n');
}

/** The public declarations, in one file a door; what they do not need of the others stays at home. */
async function bundleTypes() {
  const entries = {
    index: 'src/index.ts',
    express: 'src/shedding/express.ts',
    fastify: 'src/shedding/fastify.ts',
  };
  for (const [name, input] of Object.entries(entries)) {
    const bundle = await rolldown({
      input: { [name]: input },
      external: /^node:/,
      treeshake: { moduleSideEffects: false },
      plugins: dts({ oxc: true, emitDtsOnly: true, tsconfig: 'src/tsconfig.json' }),
    });
    const { output } = await bundle.generate();
    await bundle.close();
    const [{ code }] = output;
    // From TypeScript 6 on no types are loaded but those that somebody asks for.
    await writeFile(`dist/${name}.d.cts`, `/// <reference types="node" />\n${code}`);
    // One declaration of each type for both doors: what came through one fits the other.
    await writeFile(`dist/${name}.d.ts`, `export * from './${name}.cjs';\n`);
  }
  // It declares nothing, but tells what it does.
  const [what] = (await readFile('src/register.ts', 'utf8')).split(/(?<=\*\/\n)/);
  for (const door of ['dist/register.d.cts', 'dist/register.d.ts']) {
    await writeFile(door, `${what}export {};\n`);
  }
}

/** The command, a program of its own: no app has any of it in its bundle. */
async function bundleCommand() {
  const { metafile, outputFiles } = await build({
    ...common,
    entryPoints: ['src/command/main.ts'],
    format: 'cjs',
    banner: { js: '#!/usr/bin/env node' },
  });
  guardWalls(metafile, 'src/command/', (input) => /^src\/(?:command|shared)\//.test(input));
  await writeFile('dist/command.cjs', outputFiles[0].contents, { mode: 0o755 });
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

/** The walls between the parts: what the bundle of one part may not take in. Notes whose code it takes. */
function guardWalls(metafile, part, allowed) {
  const inputs = Object.keys(metafile.inputs);
  const intruders = inputs.filter((input) => !allowed(input));
  if (intruders.length > 0) throw new Error(`${part} must not import ${intruders.join(', ')}`);
  for (const input of inputs) {
    const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input) ?? [];
    if (name !== undefined) bundled.add(name);
  }
}
