import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Project, Way } from './project.js';
import { PROJECTS } from './projects.js';

const FILE = fileURLToPath(new URL('RESULTS.md', import.meta.url));
const HEAD = `# What works

Written by \`npm run test:tools\`: each row is a real small project that is installed from the packed tarball and
freezes for 3 s. It works if every scrape meanwhile is answered, the lag grows, and the stall names the line that
froze: that of the source, or of the bundle where there is no source map.

| project | how | version | Node.js | |
|---|---|---|---|---|
`;

interface Row {
  version: string;
  /** What came of it, by line of Node.js. */
  readonly nodes: Map<number, string>;
}

const keyOf = (project: string, way: string): string => `${project} | ${way}`;

const rows = new Map<string, Row>(read());

export function addResult(project: Project, way: Way, version: string, node: number, result: string): void {
  const key = keyOf(project.name, way.name);
  const row = rows.get(key) ?? { version, nodes: new Map() };
  row.version = version;
  row.nodes.set(node, result);
  rows.set(key, row);
}

/** What was not run this time stays as it was; what is no longer in the table goes. */
export function writeResults(): void {
  const lines = PROJECTS.flatMap((project) => project.ways.map((way) => keyOf(project.name, way.name)))
    .flatMap((key) => linesOf(key, rows.get(key)))
    .join('\n');
  writeFileSync(FILE, `${HEAD}${lines}\n`);
}

/** A line a result: most have one. */
function linesOf(key: string, row: Row | undefined): string[] {
  if (!row) return [];
  const results = [...new Set(row.nodes.values())];
  return results.map((result) => {
    const nodes = [...row.nodes].filter(([, one]) => one === result).map(([node]) => node);
    return `| ${key} | ${row.version} | ${nodes.sort((a, b) => a - b).join(', ')} | ${result} |`;
  });
}

function* read(): Generator<[string, Row]> {
  const known = new Map<string, Row>();
  for (const line of readText()
    .split('\n')
    .slice(HEAD.split('\n').length - 1)) {
    const [, project, way, version, nodes, result] = line.split('|').map((cell) => cell.trim());
    if (project === undefined || way === undefined || nodes === undefined) continue;
    const key = keyOf(project, way);
    const row = known.get(key) ?? { version: version ?? '', nodes: new Map() };
    for (const node of nodes.split(', ')) row.nodes.set(Number(node), result ?? '');
    known.set(key, row);
  }
  yield* known;
}

function readText(): string {
  try {
    return readFileSync(FILE, 'utf8');
  } catch {
    return '';
  }
}
