import { TableSortByFieldStateBuilder } from '@grafana/grafana-foundation-sdk/common';
import type { PanelBuilder as TablePanel } from '@grafana/grafana-foundation-sdk/table';
import { table } from './panels.js';
import { total } from './promql.js';
import { rows } from './queries.js';

/** Alerts lead to this panel, by its number: it stays when others come before it. */
const PANEL_ID = 100;
const ROWS = 20;

/** Seconds of stalls in the range shown, by who is to blame. */
export const culpritSeconds: string = total('watchdog_culprit_stall_seconds_total');

export interface CulpritTableSpec {
  readonly description: string;
  readonly labels: readonly string[];
  /** Besides the time stalled: what else is told of each row, by name of the column. */
  readonly more?: Readonly<Record<string, string>>;
  readonly height: number;
}

/** The lines to blame, the worst first. */
export function culpritTable({ description, labels, more = {}, height }: CulpritTableSpec): TablePanel {
  const worst = `topk(${ROWS}, sum by (${labels.join(', ')}) (${culpritSeconds}) > 0)`;
  const others = Object.values(more).map((expr) => rows(`${expr} and on (${labels.join(', ')}) ${worst}`));
  return table({
    title: 'Worst lines',
    description,
    unit: 'none',
    width: 24,
    height,
    labels,
    columns: ['time stalled', ...Object.keys(more)],
    queries: [rows(worst), ...others],
  })
    .id(PANEL_ID)
    .decimals(0)
    .noValue('none')
    .overrideByName('time stalled', [
      { id: 'unit', value: 's' },
      { id: 'decimals', value: 1 },
    ])
    .sortBy([new TableSortByFieldStateBuilder().displayName('time stalled').desc(true)]);
}
