import { workerData } from 'node:worker_threads';
import { expose, transferHandlers, wrap } from 'comlink';
import { now } from '../src/shared/clock.js';
import { carryErrorCodes, endpointOf } from '../src/shared/endpoint.js';
import type { Host, SidecarData } from '../src/shared/protocol.js';
import { muteStreams } from './log.js';
import { createSidecar } from './sidecar.js';
import { endByForce } from './system/end-by-force.js';

muteStreams();
carryErrorCodes(transferHandlers);
const data = workerData as SidecarData;
const control = createSidecar(data, {
  now,
  host: wrap<Host>(endpointOf(data.host)),
  kill: (signal) => process.kill(process.pid, signal),
  endByForce,
});
expose(control, endpointOf(data.control));
