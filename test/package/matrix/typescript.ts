import { APP, APP_CJS, FREEZE_CTS, FREEZE_TS, type Project, type Way } from './project.js';

const LINES = [20, 22, 24, 26];

/** As it stands in a file of that ending. */
const app = (ending: string): string => APP.replace('freeze.js', `freeze.${ending}`);

const FILES: Project['files'] = {
  'src/app.ts': app('js'),
  'src/app.cts': app('cjs'),
  'src/app.mts': app('mjs'),
  'src/freeze.ts': FREEZE_TS,
  'src/freeze.cts': FREEZE_TS,
  'src/freeze.mts': FREEZE_TS,
  'src/registered.cts': "import 'event-loop-watchdog/register';\n",
  'src/registered.mts': "import 'event-loop-watchdog/register';\n",
  'src/registered.ts': "import 'event-loop-watchdog/register';\n",
};

/** Compiled with all declarations checked, and run. */
function mode(module: string, moduleResolution: string, ending: 'ts' | 'cts' | 'mts'): Way {
  const compilerOptions = {
    ...{ module, moduleResolution, target: 'es2022', rootDir: 'src', outDir: 'dist' },
    ...{ strict: true, skipLibCheck: false, sourceMap: true, types: ['node'] },
  };
  const files = [`src/app.${ending}`, `src/registered.${ending}`];
  const form = { ts: 'CommonJS', cts: 'CommonJS', mts: 'ES module' }[ending];
  return {
    name: `resolution ${moduleResolution}, ${form}`,
    files: { 'tsconfig.json': JSON.stringify({ compilerOptions, files }) },
    build: 'rm -rf dist && tsc -p .',
    start: `node dist/app.${ending.replace('ts', 'js')}`,
    culprit: `src/freeze.${ending}`,
  };
}

const MODES: readonly Way[] = [
  mode('node16', 'node16', 'cts'),
  mode('node16', 'node16', 'mts'),
  mode('nodenext', 'nodenext', 'cts'),
  mode('nodenext', 'nodenext', 'mts'),
  mode('esnext', 'bundler', 'mts'),
];
/** Not since 7. */
const NODE10 = mode('commonjs', 'node10', 'ts');

const compiler = (version: string, ways: readonly Way[]): Project => ({
  name: `TypeScript ${version.replace(/\.\d+$/, '')}`,
  tool: 'typescript',
  dependencies: { typescript: version, '@types/node': '20.19.43' },
  files: FILES,
  ways,
});

export const TYPESCRIPT: readonly Project[] = [
  compiler('5.4.5', [NODE10, ...MODES]),
  compiler('5.9.3', [NODE10, ...MODES]),
  compiler('7.0.2', MODES),
  {
    name: 'tsx',
    tool: 'tsx',
    dependencies: { tsx: '4.23.15' },
    files: FILES,
    ways: [
      { name: 'ES module', start: 'tsx src/app.mts', culprit: 'src/freeze.mts', nodes: LINES },
      { name: 'CommonJS', start: 'tsx src/app.cts', culprit: 'src/freeze.cts' },
    ],
  },
  {
    name: 'ts-node',
    tool: 'ts-node',
    dependencies: { 'ts-node': '10.9.2', typescript: '5.9.3', '@types/node': '20.19.43' },
    files: {
      ...FILES,
      'src/app.ts': APP.replace('freeze.js', 'freeze'),
      'tsconfig.json': '{ "compilerOptions": { "module": "node16", "target": "es2022", "strict": true } }',
    },
    ways: [
      { name: 'CommonJS', start: 'ts-node src/app.ts', culprit: 'src/freeze.ts' },
      {
        name: 'ES module',
        start: 'node --no-warnings --loader ts-node/esm src/app.mts',
        culprit: 'src/freeze.mts',
      },
    ],
  },
  {
    name: 'type stripping',
    files: {
      'app.mts': app('mts'),
      'freeze.mts': FREEZE_TS,
      'app.cts': APP_CJS.replace('freeze.cjs', 'freeze.cts'),
      'freeze.cts': FREEZE_CTS,
    },
    ways: [
      { name: 'ES module', start: 'node app.mts', culprit: 'freeze.mts', nodes: [22, 24, 26] },
      { name: 'CommonJS', start: 'node app.cts', culprit: 'freeze.cts', nodes: [22, 24, 26] },
    ],
  },
];
