import { workerData } from 'node:worker_threads';
import { answerRequests } from './answer.js';
import type { InspectorData } from './messages.js';

answerRequests(workerData as InspectorData);
