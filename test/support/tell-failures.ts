import { afterEach } from 'vitest';

/** Afterwards nobody would know what a try failed by that was followed by a better one. */
afterEach(({ task }) => {
  const { errors = [], retryCount = 0 } = task.result ?? {};
  for (const { message } of errors.slice(retryCount))
    console.warn(`A try of "${task.name}" failed: ${message}`);
});
