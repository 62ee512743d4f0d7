/**
 * The known values of labels. Rows in shared memory that count by them are as wide as these lists, in their
 * order.
 */

/** The labels of the watchdog's own series, but for `le`. */
export const LABEL_NAMES = [
  'thread',
  'state',
  'type',
  'cause',
  'culprit',
  'kind',
  'result',
  'pool',
  'collector',
  'reason',
  'version',
  'node_version',
  'space',
  'major',
  'minor',
  'patch',
] as const;
export type LabelName = (typeof LABEL_NAMES)[number];

export const CAUSES = ['cpu', 'gc', 'blocked', 'starved', 'suspended', 'unknown'] as const;
/** Why a stall happened; see `observability/STALLS.md`. */
export type Cause = (typeof CAUSES)[number];

export const CAPTURE_KINDS = ['stack', 'cpu_profile', 'threads'] as const;
export type CaptureKind = (typeof CAPTURE_KINDS)[number];

export const CAPTURE_RESULTS = [
  'captured',
  'late',
  'unanswered',
  'unavailable',
  'over_budget',
  'failed',
] as const;
/** What became of a capture; see `observability/STALLS.md`. */
export type CaptureResult = (typeof CAPTURE_RESULTS)[number];

/** Kinds of garbage collections: of the young generation, of all, a step of marking, and of callbacks. */
export const GC_KINDS = ['minor', 'major', 'incremental', 'weakcb'] as const;

/** Parts of the sidecar whose faults are counted. */
export const COLLECTORS = [
  'eventloop',
  'stalls',
  'system',
  'pools',
  'self',
  'relay',
  'threadpool',
  'suspensions',
  'threads',
  'hang',
  'readiness',
  'memory',
  'process',
] as const;
export type CollectorName = (typeof COLLECTORS)[number];

/** Why a family of the app's registry is left out. */
export const DROP_REASONS = ['duplicate', 'invalid', 'too_large'] as const;
export type DropReason = (typeof DROP_REASONS)[number];
