import { execFileSync, spawnSync } from 'node:child_process';

/**
 * Whether to skip what needs Prometheus' own checker: on a machine without it (Debian: `apt-get install
 * prometheus`), but never in CI, where its absence is a failure.
 */
export const SKIP_PROMTOOL: boolean =
  process.env.CI === undefined && spawnSync('promtool', ['--version']).status !== 0;

/** Runs promtool; throws what it complains of. */
export function promtool(args: readonly string[], options: { cwd?: string; input?: string } = {}): string {
  return execFileSync('promtool', args, { encoding: 'utf8', stdio: 'pipe', ...options });
}
