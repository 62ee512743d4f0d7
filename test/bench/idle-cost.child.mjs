// Idles under one variant until it is killed. What that costs is read from outside: to ask would wake it.
import { VARIANTS } from './kit/variants.mjs';

const held = await VARIANTS[process.argv[2]]();
// Keeps the process alive, and ends it with the one that measures.
process.once('disconnect', () => process.exit(held === null ? 1 : 0));
