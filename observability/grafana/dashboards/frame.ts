import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  type AnnotationQuery,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  type RowBuilder,
  type VariableModel,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DATASOURCE } from './panels.js';
import { gauge } from './promql.js';

export const MAIN_UID = 'event-loop-watchdog';
export const FLEET_UID = 'event-loop-watchdog-fleet';

const COLUMNS = 24;

export interface Frame {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly variables: readonly Builder<VariableModel>[];
  readonly annotations: readonly Builder<AnnotationQuery>[];
  readonly links: readonly DashboardLinkBuilder[];
}

/** Panels under a row, or on top without one. */
export interface Section {
  readonly row?: RowBuilder;
  readonly panels: readonly Builder<Panel>[];
}

/** Both dashboards: what they share, then the sections from top to bottom. */
export function assemble(frame: Frame, sections: readonly Section[]): Dashboard {
  const builder = new DashboardBuilder(frame.title)
    .uid(frame.uid)
    .description(frame.description)
    .tags(['nodejs', 'event-loop-watchdog'])
    .version(1)
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .timezone('browser')
    .time({ from: 'now-30m', to: 'now' })
    .refresh('10s')
    .variables([...frame.variables])
    .annotations([...frame.annotations])
    .links([...frame.links]);
  for (const { row, panels } of sections) {
    if (row !== undefined) builder.withRow(row);
    for (const panel of panels) builder.withPanel(panel);
  }
  const dashboard = builder.build();
  // The SDK gives no ids but those that are asked for, 0 to rows, and them no place across.
  dashboard.panels?.forEach((panel, i) => {
    panel.id ||= i + 1;
    if (panel.type === 'row') panel.gridPos = { h: 1, w: COLUMNS, x: 0, y: panel.gridPos?.y ?? 0 };
  });
  return dashboard;
}

/** Of which processes: the same three on both dashboards, so that a link carries them over. */
export function targetVariables(): Builder<VariableModel>[] {
  return [
    new DatasourceVariableBuilder('datasource').label('Data Source').type('prometheus'),
    labelVariable('job', 'Job', 'watchdog_build_info'),
    labelVariable('instance', 'Instance', 'watchdog_build_info{job=~"$job"}'),
  ];
}

export function labelVariable(label: string, title: string, series: string): QueryVariableBuilder {
  return (
    new QueryVariableBuilder(label)
      .label(title)
      .datasource(DATASOURCE)
      .query({ query: `label_values(${series}, ${label})`, refId: label })
      .multi(true)
      .includeAll(true)
      .allValue('.+')
      .current({ text: ['All'], value: ['$__all'] })
      // Looked up for the range shown: a process that has ended is still found in its time.
      .refresh(VariableRefresh.OnTimeRangeChanged)
      .sort(VariableSort.AlphabeticalAsc)
  );
}

/** What of a Prometheus annotation the SDK does not know. */
interface PrometheusAnnotation extends AnnotationQuery {
  step: string;
  /** The value is the moment, in milliseconds; not the time of the scrape. */
  useValueForTime: true;
  titleFormat: string;
  textFormat: string;
}

/** @param enable whether they are drawn until someone decides otherwise at the top of the dashboard */
export function momentAnnotations(enable: boolean): Builder<PrometheusAnnotation>[] {
  const common = { datasource: DATASOURCE, enable, step: '15s', useValueForTime: true } as const;
  return [
    {
      build: () => ({
        ...common,
        name: 'Stalls',
        iconColor: 'red',
        expr: `${gauge('watchdog_last_stall_timestamp_seconds')} * 1000`,
        titleFormat: 'Stall',
        textFormat: '{{job}} {{instance}} {{thread}}',
      }),
    },
    {
      build: () => ({
        ...common,
        name: 'Process starts',
        iconColor: 'blue',
        expr: `${gauge('watchdog_start_time_seconds')} * 1000`,
        titleFormat: 'Process start',
        textFormat: '{{job}} {{instance}}',
      }),
    },
  ];
}

/** A link at the top of a dashboard to the other one, for the same time and the same processes. */
export function linkTo(uid: string, title: string, tooltip: string): DashboardLinkBuilder {
  return new DashboardLinkBuilder(title)
    .type(DashboardLinkType.Link)
    .icon('dashboard')
    .tooltip(tooltip)
    .url(`/d/${uid}`)
    .includeVars(true)
    .keepTime(true);
}

/** A link on each row of a table: what the row names, alone on the main dashboard. */
export function linkToRow(title: string, labels: readonly ('job' | 'instance')[]): DashboardLinkBuilder {
  // biome-ignore-start lint/suspicious/noTemplateCurlyInString: the placeholders are Grafana's
  const variables = [
    'var-datasource=${datasource}',
    ...labels.map((label) => `var-${label}=\${__data.fields.${label}}`),
  ];
  const parameters = [...variables, '${__url_time_range}'];
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: the placeholders are Grafana's
  return new DashboardLinkBuilder(title)
    .type(DashboardLinkType.Link)
    .url(`/d/${MAIN_UID}?${parameters.join('&')}`);
}
