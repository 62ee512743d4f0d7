import { ApiError } from './api.js';

/** Why there is no answer, and what to do about it. */
export function failureOf(error: unknown): string {
  if (!(error instanceof ApiError)) return `Fault of this page: ${String(error)}`;
  if (error.status === 429) return `${error.message} There is one at a time: try again in some seconds.`;
  return error.message || `The sidecar answered with status ${error.status}.`;
}
