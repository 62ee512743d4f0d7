// What a release must not lack, and what nothing else would miss. Run by `npm publish`, after the build.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const read = (file) => readFileSync(file, 'utf8');
const manifest = JSON.parse(read('package.json'));
const { version } = manifest;

function* faults() {
  const missing = ['repository', 'bugs', 'homepage'].filter((field) => !manifest[field]);
  if (missing.length > 0) {
    yield `package.json has no ${missing.join(', no ')}: the registry's page would lead nowhere.`;
  }
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) yield `package.json has no version: ${version}.`;

  const [, latest] = /^## (.*)$/m.exec(read('CHANGELOG.md')) ?? [];
  if (!/^\S+ \(\d{4}-\d{2}-\d{2}\)$/.test(latest) || !latest.startsWith(`${version} `)) {
    yield `CHANGELOG.md begins with "${latest}", and not with "${version} (year-month-day)".`;
  }

  if (read('README.md').includes('not on npm yet')) yield 'README.md says that it is not on npm yet.';

  const { GITHUB_REF_TYPE, GITHUB_REF_NAME } = process.env;
  if (GITHUB_REF_TYPE === 'tag' && GITHUB_REF_NAME !== `v${version}`) {
    yield `The tag is ${GITHUB_REF_NAME}, and the version ${version}.`;
  }

  const expected = read('test/package/tarball.txt').trimEnd().split('\n');
  const files = tarball();
  for (const file of files.filter((one) => !expected.includes(one))) yield `The tarball would have ${file}.`;
  for (const file of expected.filter((one) => !files.includes(one))) yield `The tarball would lack ${file}.`;
}

/** The files that would be published. */
function tarball() {
  const args = ['pack', '--dry-run', '--ignore-scripts', '--json'];
  // In one word, as Windows needs it; nothing in it is from outside.
  const report = execFileSync(`npm ${args.join(' ')}`, {
    encoding: 'utf8',
    shell: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  // An array, or an object by name: so npm 11 and 12.
  return Object.values(JSON.parse(report))[0].files.map(({ path }) => path);
}

const found = [...faults()];
for (const fault of found) console.error(fault);
if (found.length > 0) process.exitCode = 1;
