// Real small projects, as they come from the registry; `npm run test:tools -- matrix -t webpack` is one of them.
// What came of it is written to RESULTS.md.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { NODE_MAJOR } from '../../support/child.js';
import { pack } from '../project.js';
import { nodeOf } from './nodes.js';
import { PROJECTS } from './projects.js';
import { addResult, writeResults } from './results.js';
import { type Home, makeHome, runWay } from './run.js';

let shelf: string;
let tarball: string;
beforeAll(() => {
  shelf = mkdtempSync(join(tmpdir(), 'watchdog-matrix-'));
  ({ tarball } = pack(shelf));
});
afterAll(() => {
  rmSync(shelf, { recursive: true, force: true });
  writeResults();
});

describe.each(PROJECTS.map((project) => [project.name, project] as const))('%s', (_, project) => {
  let home: Home;
  beforeAll(() => {
    home = makeHome(project, tarball);
  });
  afterAll(() => rmSync(dirname(home.path), { recursive: true, force: true }));

  const rows = project.ways.flatMap((way) => (way.nodes ?? [NODE_MAJOR]).map((node) => ({ way, node })));
  it.each(rows.map((row) => [row.way.name, row.node, row] as const))(
    '%s, Node %i',
    async (_way, _node, { way, node }) => {
      try {
        await runWay(project, way, home.path, nodeOf(node));
        addResult(project, way, home.version, node, way.note ?? 'works');
      } catch (error) {
        addResult(project, way, home.version, node, 'fails');
        throw error;
      }
    },
  );
});
