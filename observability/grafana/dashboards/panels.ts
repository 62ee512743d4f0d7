import { PanelBuilder as BarGaugePanel } from '@grafana/grafana-foundation-sdk/bargauge';
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  BarGaugeDisplayMode,
  BigValueGraphMode,
  GraphDrawStyle,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  LineInterpolation,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizOrientation,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  type DataSourceRef,
  type DynamicConfigValue,
  FieldColorBuilder,
  FieldColorModeId,
  type Threshold,
  type ThresholdsConfig,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as GaugePanel } from '@grafana/grafana-foundation-sdk/gauge';
import {
  FilterValueRangeBuilder,
  HeatmapColorMode,
  HeatmapColorOptionsBuilder,
  HeatmapColorScale,
  PanelBuilder as HeatmapPanel,
  YAxisConfigBuilder,
} from '@grafana/grafana-foundation-sdk/heatmap';
import type { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatPanel } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TablePanel } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeseriesPanel } from '@grafana/grafana-foundation-sdk/timeseries';

// biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder is Grafana's
export const DATASOURCE: DataSourceRef = { type: 'prometheus', uid: '${datasource}' };

/** What every panel must have. Width in the 24 columns of the grid, height in its lines. */
export interface PanelSpec {
  readonly title: string;
  readonly description: string;
  readonly unit: string;
  readonly queries: readonly DataqueryBuilder[];
  readonly width: number;
  readonly height: number;
}

/** What the panel builders have in common; the SDK gives them no common type. */
interface PanelBuilder {
  title(title: string): this;
  description(description: string): this;
  datasource(datasource: DataSourceRef): this;
  unit(unit: string): this;
  min(min: number): this;
  span(columns: number): this;
  height(lines: number): this;
  withTarget(query: DataqueryBuilder): this;
}

function describe<Panel extends PanelBuilder>(panel: Panel, spec: PanelSpec): Panel {
  panel.title(spec.title).description(spec.description).datasource(DATASOURCE);
  // Nothing that is measured here can be negative.
  panel.unit(spec.unit).min(0).span(spec.width).height(spec.height);
  spec.queries.forEach((query, i) => {
    panel.withTarget(query.refId(refId(i)));
  });
  return panel;
}

/** A, B, C ... */
function refId(place: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + place);
}

/** Green up to the first bound, then yellow, then red. */
export function limits(yellow: number, red: number): Builder<ThresholdsConfig> {
  return steps(
    { color: 'green', value: null },
    { color: 'yellow', value: yellow },
    { color: 'red', value: red },
  );
}

/** The same bounds as lines across a chart. */
export function limitLines(yellow: number, red: number): Builder<ThresholdsConfig> {
  return steps(
    { color: 'transparent', value: null },
    { color: 'yellow', value: yellow },
    { color: 'red', value: red },
  );
}

export function steps(...all: Threshold[]): Builder<ThresholdsConfig> {
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(all);
}

function color(mode: FieldColorModeId): FieldColorBuilder {
  return new FieldColorBuilder().mode(mode);
}

function lastValue(): ReduceDataOptionsBuilder {
  return new ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false);
}

export function stat(spec: PanelSpec): StatPanel {
  return describe(new StatPanel(), spec)
    .colorScheme(color(FieldColorModeId.Thresholds))
    .graphMode(BigValueGraphMode.None)
    .reduceOptions(lastValue());
}

export function gaugePanel(spec: PanelSpec): GaugePanel {
  return describe(new GaugePanel(), spec)
    .colorScheme(color(FieldColorModeId.Thresholds))
    .reduceOptions(lastValue());
}

/** A bar for each series: counts over the range, by label. */
export function bars(spec: PanelSpec): BarGaugePanel {
  return describe(new BarGaugePanel(), spec)
    .colorScheme(color(FieldColorModeId.PaletteClassic))
    .displayMode(BarGaugeDisplayMode.Basic)
    .orientation(VizOrientation.Horizontal)
    .reduceOptions(lastValue());
}

export function timeseries(spec: PanelSpec): TimeseriesPanel {
  return describe(new TimeseriesPanel(), spec)
    .colorScheme(color(FieldColorModeId.PaletteClassic))
    .drawStyle(GraphDrawStyle.Line)
    .lineInterpolation(LineInterpolation.Linear)
    .lineWidth(1)
    .fillOpacity(0)
    .showPoints(VisibilityMode.Never)
    .spanNulls(false)
    .legend(legend(LegendDisplayMode.List, LegendPlacement.Bottom))
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
}

/** A chart whose series add up to something. */
export function stacked(spec: PanelSpec): TimeseriesPanel {
  return timeseries(spec)
    .fillOpacity(20)
    .stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'));
}

export function legend(
  mode: LegendDisplayMode,
  placement: LegendPlacement,
  calcs: string[] = [],
): VizLegendOptionsBuilder {
  return new VizLegendOptionsBuilder().displayMode(mode).placement(placement).showLegend(true).calcs(calcs);
}

export function dashedThresholds(): GraphThresholdsStyleConfigBuilder {
  return new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed);
}

/** How the line of a bound is drawn beside what it bounds. */
export const BOUND_LINE: DynamicConfigValue[] = [
  { id: 'custom.lineStyle', value: { fill: 'dash', dash: [10, 10] } },
  { id: 'custom.fillOpacity', value: 0 },
];

/** @param rowUnit unit of the buckets' bounds; that of the panel is of the cells */
export function heatmap(spec: PanelSpec, rowUnit: string): HeatmapPanel {
  // Most of the time nothing waits; without the exponent that one row would leave no colour to the others.
  const colors = new HeatmapColorOptionsBuilder()
    .mode(HeatmapColorMode.Scheme)
    .scheme('Oranges')
    .fill('dark-orange')
    .scale(HeatmapColorScale.Exponential)
    .exponent(0.3)
    .steps(64);
  return describe(new HeatmapPanel(), spec)
    .calculate(false)
    .color(colors)
    .filterValues(new FilterValueRangeBuilder().le(1e-9))
    .yAxis(new YAxisConfigBuilder().unit(rowUnit))
    .mode(TooltipDisplayMode.Single)
    .showLegend();
}

/**
 * What a table shows: labels first, then a column for each query, named in their order; `null` is not shown.
 */
export interface TableSpec extends PanelSpec {
  readonly labels: readonly string[];
  readonly columns: readonly (string | null)[];
}

export function table(spec: TableSpec): TablePanel {
  const { labels, columns, queries } = spec;
  // Grafana calls the only value column Value, and several Value #A, Value #B ...
  const fields = queries.map((_, i) => (queries.length === 1 ? 'Value' : `Value #${refId(i)}`));
  const hidden = fields.filter((_, i) => columns[i] === null);
  const shown = fields.flatMap((field, i) => (columns[i] == null ? [] : [[field, columns[i]]]));
  const organize = {
    excludeByName: Object.fromEntries(['Time', ...hidden].map((name) => [name, true])),
    indexByName: Object.fromEntries([...labels, ...fields].map((name, i) => [name, i])),
    renameByName: Object.fromEntries(shown),
  };
  const panel = describe(new TablePanel(), spec).colorScheme(color(FieldColorModeId.Thresholds));
  if (queries.length > 1) panel.withTransformation({ id: 'merge', options: {} });
  return panel.withTransformation({ id: 'organize', options: organize });
}
