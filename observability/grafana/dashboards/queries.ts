import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { DATASOURCE } from './panels.js';

function query(expr: string): DataqueryBuilder {
  return new DataqueryBuilder().datasource(DATASOURCE).expr(expr);
}

/** Over time. */
export function line(expr: string, legend: string): DataqueryBuilder {
  return query(expr).legendFormat(legend).range();
}

/** At the end of the range only. */
export function now(expr: string, legend: string): DataqueryBuilder {
  return query(expr).legendFormat(legend).instant();
}

/** At the end of the range, a row for each series. */
export function rows(expr: string): DataqueryBuilder {
  return query(expr).format(PromQueryFormat.Table).instant();
}

/** A histogram's buckets over time; Grafana takes each from the next. */
export function buckets(expr: string): DataqueryBuilder {
  return query(expr).format(PromQueryFormat.Heatmap).legendFormat('{{le}}').range();
}
