import { DELAY_BOUNDS_MS } from '../../src/shared/layout.js';
import type { SidecarOptions } from '../../src/shared/protocol.js';

/** What a sidecar is told when nothing was asked for; any port. */
export const SIDECAR_OPTIONS: SidecarOptions = {
  port: 0,
  host: undefined,
  heartbeatInterval: 100,
  stallThreshold: 100,
  delayBuckets: DELAY_BOUNDS_MS,
  labels: {},
  relay: false,
  processMetrics: true,
  capture: undefined,
  sourceLines: true,
  context: true,
  journal: undefined,
  log: undefined,
  hang: undefined,
  livenessTimeout: 60_000,
  readiness: undefined,
  token: undefined,
  tokenFile: undefined,
  guardMetrics: false,
  tls: undefined,
  allowedHosts: [],
  threadId: undefined,
  notInspectable: undefined,
  threadpoolSize: 4,
  processStartedAtMs: 1_700_000_000_000,
  entry: undefined,
  directory: undefined,
};
