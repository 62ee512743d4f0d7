// What a release must not lack, and what nothing else would miss. Run by `npm publish`.
import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const missing = ['repository', 'bugs', 'homepage'].filter((field) => !manifest[field]);
if (missing.length > 0) {
  console.error(`package.json has no ${missing.join(', no ')}: the registry's page would lead nowhere.`);
  process.exitCode = 1;
}
