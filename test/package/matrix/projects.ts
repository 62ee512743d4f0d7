// The matrix: one table, a few lines a project.
import { BUNDLERS } from './bundlers.js';
import { FRAMEWORKS } from './frameworks.js';
import { MANAGERS } from './managers.js';
import { APP, APP_CJS, FREEZE_CJS, FREEZE_JS, type Project } from './project.js';
import { TYPESCRIPT } from './typescript.js';

const LINES = [20, 22, 24, 26];

const PLAIN: Project = {
  name: 'plain',
  files: {
    'app.mjs': APP.replace('freeze.js', 'freeze.mjs'),
    'freeze.mjs': FREEZE_JS,
    'app.cjs': APP_CJS,
    'freeze.cjs': FREEZE_CJS,
  },
  ways: [
    { name: 'ES module', start: 'node app.mjs', culprit: 'freeze.mjs', nodes: LINES },
    { name: 'CommonJS', start: 'node app.cjs', culprit: 'freeze.cjs', nodes: LINES },
    {
      name: 'CommonJS, `require` takes no ES module',
      start: 'node --no-experimental-require-module app.cjs',
      culprit: 'freeze.cjs',
      nodes: LINES,
    },
  ],
};

export const PROJECTS: readonly Project[] = [PLAIN, ...TYPESCRIPT, ...BUNDLERS, ...FRAMEWORKS, ...MANAGERS];
