// What a workflow may do, and whose code it runs. Whether it is one at all says actionlint: tools.nightly.ts.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from './project.js';

interface Job {
  readonly uses?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly environment?: string;
  readonly 'timeout-minutes'?: number;
  readonly steps?: readonly { readonly uses?: string; readonly run?: string; readonly with?: object }[];
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const FOLDER = join(ROOT, '.github/workflows');
const read = (file: string): string => readFileSync(join(FOLDER, file), 'utf8');
const jobsOf = (file: string): [string, Job][] => Object.entries((parse(read(file)) as Workflow).jobs);

describe.each(readdirSync(FOLDER))('%s', (file) => {
  it('runs actions that are pinned by commit, with the version in words', () => {
    for (const [, action = ''] of read(file).matchAll(/^.*\buses: (.*)$/gm))
      expect(action).toMatch(/^\.\/\.github\/workflows\/|^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it('may read, and no more; who is asked to review runs nothing of ours', () => {
    const { on, permissions } = parse(read(file)) as Workflow;
    expect(permissions).toEqual({ contents: 'read' });
    expect(Object.keys(on)).not.toContain('pull_request_target');
  });

  it.each(jobsOf(file))(
    '%s ends, keeps no credentials, and puts nothing from outside into a command',
    (_, job) => {
      if (job.uses !== undefined) return;
      expect(job['timeout-minutes']).toBeLessThanOrEqual(60);
      for (const { uses = '', run = '', with: given } of job.steps ?? []) {
        expect(run).not.toContain('${{');
        if (uses.startsWith('actions/checkout@'))
          expect(given).toMatchObject({ 'persist-credentials': false });
      }
    },
  );
});

it('only what publishes may sign, after all that must hold, and after somebody has agreed', () => {
  const signing = readdirSync(FOLDER).flatMap((file) =>
    jobsOf(file).flatMap(([name, job]) => (job.permissions ? [{ file, name, ...job }] : [])),
  );
  expect(signing).toMatchObject([
    {
      file: 'release.yml',
      name: 'publish',
      needs: 'ci',
      environment: 'npm',
      permissions: { contents: 'read', 'id-token': 'write' },
    },
  ]);
});
