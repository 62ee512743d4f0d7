// Ways in which code holds the loop, each a trial for who looks into it.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import vm from 'node:vm';

const HOLD =
  '(function hold(ms) { const until = performance.now() + ms; while (performance.now() < until); })';
const MIB = 2 ** 20;

/**
 * @param home a folder for the files that some of them need
 * @returns functions that hold the loop for this many milliseconds
 */
export function waysToHold(home) {
  execFileSync('mkfifo', [join(home, 'fifo')]);
  const urls = [
    'file://wsl.localhost/Ubuntu/app/hold.ts',
    'file:///app/%2Fhold.js',
    'webpack-internal:///./hold.js',
    `file://${home}/fifo`,
    'file:///dev/zero',
    `file://${home}`,
    `data:text/javascript,${'x'.repeat(MIB)}`,
  ];
  const odd = urls.map((url) => vm.runInThisContext(`${HOLD}\n//# sourceURL=${url}`));
  const endless = new vm.Script('{ let i = 0; for (;;) i++; }');
  const calling = new vm.Script('for (;;) now();');
  const context = vm.createContext({ now: () => performance.now() });
  return [
    (ms) => {
      const until = performance.now() + ms;
      while (performance.now() < until);
    },
    ...odd,
    hugeBundle(home),
    ...[endless, calling].map((script) => (ms) => endByTimeout(script, context, ms)),
  ];
}

function endByTimeout(script, context, ms) {
  try {
    script.runInContext(context, { timeout: Math.ceil(ms) });
  } catch (error) {
    if (error.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
  }
}

/** 8 MiB of one line, with a map of 15 MiB. */
function hugeBundle(home) {
  const file = join(home, 'bundle.js');
  const filler = '/* filler of thirty-two letters */'.padEnd(64);
  const count = (8 * MIB) / filler.length;
  const text = `${filler.repeat(count)}${HOLD}\n//# sourceMappingURL=bundle.js.map`;
  writeFileSync(file, text);
  const map = { version: 3, sources: ['hold.ts'], sourcesContent: ['x\n'.repeat(7 * MIB)] };
  writeFileSync(`${file}.map`, JSON.stringify({ ...map, mappings: `AAAA${',gEACA'.repeat(count)}` }));
  return new vm.Script(text, { filename: file }).runInThisContext();
}
