import * as units from '@grafana/grafana-foundation-sdk/units';
import {
  chart,
  chartsOf,
  DATASOURCE,
  type Dashboard,
  firstTarget,
  type Panel,
  panelsOf,
  type Rule,
} from './model.js';

const UNITS = new Set<unknown>(Object.values(units));
const COLUMNS = 24;

/** Panels that show one moment; the others show the range. */
const INSTANT = new Set(['stat', 'gauge', 'bargauge', 'table']);

function firstChart(dashboard: Dashboard): Panel {
  const [first] = chartsOf(dashboard);
  if (first === undefined) throw new Error('no panel');
  return first;
}

function repeated(values: readonly (string | number)[]): string[] {
  return values.filter((value, i) => values.indexOf(value) !== i).map(String);
}

/** The panels below each row, up to the next. */
function rowsOf({ panels }: Dashboard): { row: Panel | undefined; charts: Panel[] }[] {
  const rows: { row: Panel | undefined; charts: Panel[] }[] = [{ row: undefined, charts: [] }];
  for (const panel of panels) {
    if (panel.type === 'row') rows.push({ row: panel, charts: [...(panel.panels ?? [])] });
    else rows.at(-1)?.charts.push(panel);
  }
  return rows;
}

export const PANEL_RULES: Rule[] = [
  {
    // Who is woken at night has not read the README: the panel says what it shows, and which way is bad.
    name: 'explains every panel',
    check: (dashboard) =>
      chartsOf(dashboard)
        .filter(({ title, description }) => !title || !description?.endsWith('.'))
        .map(({ id, title }) => `panel ${id}, ${title}`),
    spoil: (dashboard) => {
      firstChart(dashboard).description = '';
    },
  },
  {
    // "Look at Queue": there must be one.
    name: 'gives no title twice',
    check: (dashboard) => repeated(chartsOf(dashboard).map(({ title }) => title)),
    spoil: (dashboard) => {
      for (const panel of chartsOf(dashboard)) panel.title = 'Lag';
    },
  },
  {
    // 0.2 of what? A unit that Grafana does not know is printed after the number, and nothing is scaled.
    name: 'gives every panel and column a unit that Grafana knows',
    check: (dashboard) =>
      chartsOf(dashboard).flatMap(({ title, fieldConfig }) => {
        const properties = fieldConfig?.overrides.flatMap((override) => override.properties) ?? [];
        const others = properties.filter(({ id }) => id === 'unit').map(({ value }) => String(value));
        return [fieldConfig?.defaults.unit ?? 'nothing', ...others]
          .filter((unit) => !UNITS.has(unit))
          .map((unit) => `${title}: ${unit}`);
      }),
    spoil: (dashboard) => {
      const { fieldConfig } = firstChart(dashboard);
      if (fieldConfig !== undefined) fieldConfig.defaults.unit = 'seconds';
    },
  },
  {
    // One panel that asks another Prometheus than the rest shows another world under the same names.
    name: 'asks the data source that was chosen everywhere',
    check: (dashboard) =>
      [
        ...chartsOf(dashboard).flatMap((panel) =>
          [panel, ...(panel.targets ?? [])].map((one) => [panel.title, one] as const),
        ),
        ...dashboard.annotations.list.map((annotation) => [annotation.name, annotation] as const),
      ]
        .filter(([, one]) => JSON.stringify(one.datasource) !== JSON.stringify(DATASOURCE))
        .map(([where]) => where),
    spoil: (dashboard) => {
      firstTarget(dashboard).datasource = { type: 'prometheus', uid: 'mine' };
    },
  },
  {
    // A panel without a query is a leftover. Overrides and the names of columns go by refId.
    name: 'asks something in every panel, under letters of its own',
    check: (dashboard) =>
      chartsOf(dashboard).flatMap(({ title, targets = [] }) => [
        ...(targets.length === 0 ? [`${title} asks nothing`] : []),
        ...repeated(targets.map(({ refId }) => refId)).map((refId) => `${title}: ${refId} twice`),
      ]),
    spoil: (dashboard) => {
      firstChart(dashboard).targets = [];
    },
  },
  {
    // Grafana finds a panel by its id, and moves panels that overlap to where nobody put them.
    name: 'has panels with ids of their own that do not overlap',
    check: (dashboard) => {
      const taken = new Set<string>();
      const clashes = panelsOf(dashboard).filter(({ gridPos: { x, y, w, h } }) => {
        const cells = Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`);
        const clash = x + w > COLUMNS || cells.some((cell) => taken.has(cell));
        for (const cell of cells) taken.add(cell);
        return clash;
      });
      return [
        ...repeated(panelsOf(dashboard).map(({ id }) => id)).map((id) => `id ${id} twice`),
        ...clashes.map(({ title }) => `${title} is in the way`),
      ];
    },
    spoil: (dashboard) => {
      firstChart(dashboard).gridPos.h += 1;
    },
  },
  {
    // Grafana repeats an open row together with the panels up to the next row. A panel in it that does not
    // narrow by the variable shows the sum of all in each copy; one outside that does, no one knows what.
    name: 'narrows by the variable of a repeated row inside it and nowhere else',
    check: (dashboard) =>
      rowsOf(dashboard).flatMap(({ row, charts }) => {
        const name = row?.repeat;
        const variable = dashboard.templating.list.find((one) => one.name === name);
        const missing = name !== undefined && !(variable?.multi && variable.includeAll);
        const others = dashboard.panels.flatMap((panel) => panel.repeat ?? []).filter((one) => one !== name);
        return [
          ...(missing ? [`${row?.title} is repeated by ${name}`] : []),
          ...(name !== undefined && row?.collapsed !== false ? [`${row?.title} is closed`] : []),
          ...charts.flatMap(({ title, targets = [] }) =>
            targets
              .filter(
                ({ expr }) =>
                  (name !== undefined && !expr.includes(`${name}=~"$${name}"`)) ||
                  others.some((other) => expr.includes(`$${other}"`)),
              )
              .map(({ refId }) => `${title} ${refId}`),
          ),
        ];
      }),
    spoil: (dashboard) => {
      dashboard.panels.unshift({ ...firstChart(dashboard), type: 'row', repeat: 'shard', collapsed: true });
    },
  },
  {
    // A number or a table is of now: a range query fetches a thousand points to show the last. A chart needs
    // them.
    name: 'asks for one moment or for the range, as the panel shows it',
    check: (dashboard) =>
      chartsOf(dashboard).flatMap(({ type, title, targets = [] }) =>
        targets
          .filter(({ instant, range }) => instant !== INSTANT.has(type) || range !== !INSTANT.has(type))
          .map(({ refId }) => `${title} ${refId}`),
      ),
    spoil: (dashboard) => {
      firstTarget(dashboard).instant = false;
    },
  },
  {
    // An override or a sort order that names a column that is not there does nothing, and nobody sees that.
    name: 'names the columns of a table as they are',
    check: (dashboard) =>
      chartsOf(dashboard)
        .filter(({ type }) => type === 'table')
        .flatMap(({ title, fieldConfig, options, transformations = [] }) => {
          const columns = transformations.flatMap((one) => Object.values(one.options.renameByName ?? {}));
          const overrides = fieldConfig?.overrides.map(({ matcher }) => matcher) ?? [];
          const unknown = [
            ...overrides
              .filter(
                ({ id, options: name }) =>
                  !columns.some((one) => (id === 'byName' ? one === name : one.match(name))),
              )
              .map((matcher) => matcher.options),
            ...(options?.sortBy ?? [])
              .map((one) => one.displayName)
              .filter((name) => !columns.includes(name)),
          ];
          return unknown.map((name) => `${title}: ${name}`);
        }),
    spoil: (dashboard) => {
      const table = chartsOf(dashboard).find((panel) => panel.type === 'table');
      if (table !== undefined)
        chart(dashboard, table.title).options = { sortBy: [{ displayName: 'p99 delya' }] };
    },
  },
];
