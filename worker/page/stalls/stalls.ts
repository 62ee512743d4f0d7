import type { Status } from '../../../src/shared/status.js';
import type { Api } from '../api.js';
import { h, type Section } from '../dom.js';

export function createStalls(_api: Api): Section & { update(status: Status): void } {
  return { element: h('section', { hidden: true }), update() {} };
}
