/**
 * How long a test waits at most. A machine with more to do than it can takes several times as long as
 * another.
 */
export const PATIENCE_MS = 90_000;

/** Tries `attempt` until it returns something, every 20 ms, for as long as it may take on a busy machine. */
export async function eventually<T>(
  attempt: () => Promise<T | undefined> | T | undefined,
  what: string,
): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const result = await attempt();
      if (result !== undefined && (result as unknown) !== false) return result;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`gave up waiting: ${what}`, { cause: last });
}
