import type { Api } from './api.js';
import { h, type Section } from './dom.js';

export function createThreads(_api: Api): Section {
  return { element: h('section', { hidden: true }) };
}
