import { expect, it } from 'vitest';
import type { Instruments } from '../../../src/loop/instrument.js';
import { createMembership, type Membership } from '../../../src/membership.js';
import { DELAY_BOUNDS_MS } from '../../../src/shared/layout.js';
import type { SidecarMessage } from '../../../src/shared/protocol.js';
import { allocateLoop } from '../../../src/shared/regions.js';

/** The membership of the thread `t`, and what it has done so far. */
function newMembership(): { did: string[]; hear: Membership['hear'] } {
  const did: string[] = [];
  const { hear } = createMembership('t', {
    ask: () => did.push('ask'),
    attach({ watchdog }) {
      did.push(`attach ${watchdog}`);
      const instruments = { stop: () => did.push(`stop ${watchdog}`) } as unknown as Instruments;
      return { watchdog, memory: allocateLoop(), instruments };
    },
    join: ({ watchdog }) => did.push(`join ${watchdog}`),
    joined: () => did.push('joined'),
    refused: ({ watchdog }) => did.push(`refused ${watchdog}`),
  });
  return { did, hear };
}
const settings = (watchdog: string, thread = 't'): SidecarMessage => ({
  type: 'settings',
  watchdog,
  thread,
  heartbeatInterval: 100,
  stallThreshold: 100,
  delayBuckets: DELAY_BOUNDS_MS,
});
const refusal = (watchdog: string): SidecarMessage => ({
  type: 'refused',
  watchdog,
  thread: 't',
  code: 'ERR_WATCHDOG_TOO_MANY_THREADS',
  message: '',
});

it('belongs to the first watchdog that answers, and to the next when that has closed', () => {
  const { did, hear } = newMembership();
  for (const message of [settings('a'), settings('b'), refusal('b')]) hear(message);
  hear({ type: 'watchdog-closed', watchdog: 'b' });
  hear({ type: 'sidecar-up', watchdog: 'b' });
  expect(did).toEqual(['attach a', 'join a']);
  hear({ type: 'watchdog-closed', watchdog: 'a' });
  // Said before it closed.
  hear(settings('a'));
  hear({ type: 'sidecar-up', watchdog: 'b' });
  hear(settings('b'));
  expect(did.slice(2)).toEqual(['stop a', 'ask', 'attach b', 'join b']);
});

it('joins the sidecar anew that replaces another, with the same memory', () => {
  const { did, hear } = newMembership();
  hear(settings('a'));
  hear({ type: 'sidecar-up', watchdog: 'a' });
  hear(settings('a'));
  expect(did).toEqual(['attach a', 'join a', 'ask', 'join a']);
});

it('stops when it is refused, and asks when there is room', () => {
  const { did, hear } = newMembership();
  hear(settings('a'));
  hear(refusal('a'));
  hear({ type: 'slot-free' });
  expect(did.slice(2)).toEqual(['stop a', 'refused a', 'ask']);
});

it('heeds nothing that is meant for others, or that nobody of us says', () => {
  const { did, hear } = newMembership();
  hear(settings('a', 'another'));
  for (const type of ['constructor', 'toString', undefined]) hear({ type } as unknown as SidecarMessage);
  expect(did).toEqual([]);
});
