import type { Cause } from '../../../src/shared/labels.js';
import type { Offender } from '../../../src/shared/stall.js';
import { h, setText } from '../dom.js';
import { duration } from '../format.js';
import { causeOf, rowOf, shareOf, tableOf } from './frames.js';

const COLUMNS = ['Where', 'Cause', 'Stalls', 'In all'];
const OFFENDERS_MAX = 10;
const CAPTION = 'Worst offenders, by all the time that they have stalled a loop';

/** Who caused most of the time stalled. */
export interface Offenders {
  readonly element: HTMLElement;
  /** @param restarted whether they are those since the sidecar was restarted, and not since the start */
  update(offenders: readonly Offender[], restarted: boolean): void;
}

export function createOffenders(): Offenders {
  const table = tableOf(CAPTION, COLUMNS);
  const body = h('tbody');
  table.append(body);
  const element = h('div', { hidden: true }, table);
  return {
    element,
    update(offenders, restarted) {
      const since = restarted ? ', since the sidecar was restarted' : '';
      if (table.caption) setText(table.caption, CAPTION + since);
      element.hidden = offenders.length === 0;
      const all = offenders.reduce((sum, { totalSeconds }) => sum + totalSeconds, 0);
      body.replaceChildren(...offenders.slice(0, OFFENDERS_MAX).map((one) => rowOfOffender(one, all)));
    },
  };
}

function rowOfOffender(
  { where, cause, count, totalSeconds, overSeconds }: Offender,
  all: number,
): HTMLElement {
  const atMost = overSeconds > 0 ? 'at most ' : '';
  return rowOf(COLUMNS, [
    where ?? 'unknown',
    causeOf(cause as Cause),
    String(count),
    shareOf(totalSeconds / all, `${atMost}${duration(1000 * totalSeconds)}`),
  ]);
}
