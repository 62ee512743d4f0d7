import { execFileSync, spawnSync } from 'node:child_process';

/** Debian's: others do not see its packages. */
const PYTHON = '/usr/bin/python3';
const PARSER = 'prometheus_client.openmetrics.parser';

/**
 * Whether to skip what needs the strict parser of OpenMetrics, which npm does not have: on a machine without it
 * (Debian: `apt-get install python3-prometheus-client`), but never in CI, where its absence is a failure.
 */
export const SKIP_STRICT: boolean =
  process.env.CI === undefined && spawnSync(PYTHON, ['-c', `import ${PARSER}`]).status !== 0;

/** Names of the families that the strict parser finds; throws what it complains of. */
export function strictFamilies(text: string): string[] {
  const program = `import json, sys; from ${PARSER} import text_string_to_metric_families as parse
print(json.dumps([family.name for family in parse(sys.stdin.buffer.read().decode())]))`;
  return JSON.parse(execFileSync(PYTHON, ['-c', program], { input: text, encoding: 'utf8', stdio: 'pipe' }));
}
