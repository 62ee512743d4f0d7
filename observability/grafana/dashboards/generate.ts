import { writeFileSync } from 'node:fs';
import { dashboardFiles } from './files.js';

for (const { name, text } of dashboardFiles()) writeFileSync(new URL(`../${name}`, import.meta.url), text);
