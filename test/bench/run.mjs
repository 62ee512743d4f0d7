// `npm run bench` runs every benchmark; `npm run bench -- idle-cost` one of them.
import { readdirSync } from 'node:fs';

const asked = process.argv.slice(2);
const all = readdirSync(new URL('.', import.meta.url))
  .filter((file) => /^[a-z-]+\.mjs$/.test(file) && file !== 'run.mjs')
  .map((file) => file.slice(0, -'.mjs'.length));
const unknown = asked.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}; there are ${all.join(', ')}.`);
  process.exit(1);
}
for (const name of asked.length > 0 ? asked : all) {
  await import(`./${name}.mjs`);
  console.log('');
}
