import { METRICS } from '../../../worker/metrics/names.js';

/** What the rules look at of Grafana's JSON. */
export interface Target {
  refId: string;
  expr: string;
  datasource: unknown;
  legendFormat?: string;
  instant?: boolean;
  range?: boolean;
}

export interface Link {
  title: string;
  url: string;
}

export interface Override {
  matcher: { id: string; options: string };
  properties: { id: string; value: unknown }[];
}

export interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  datasource?: unknown;
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig?: { defaults: { unit?: string; links?: Link[] }; overrides: Override[] };
  options?: { sortBy?: { displayName: string }[] };
  transformations?: { id: string; options: { renameByName?: Record<string, string> } }[];
  targets?: Target[];
  panels?: Panel[];
  repeat?: string;
  collapsed?: boolean;
}

export interface Variable {
  name: string;
  type: string;
  query: string | { query: string };
  [setting: string]: unknown;
}

export interface Annotation {
  name: string;
  expr: string;
  datasource: unknown;
  [setting: string]: unknown;
}

export interface Dashboard {
  uid: string;
  annotations: { list: Annotation[] };
  templating: { list: Variable[] };
  links: Link[];
  panels: Panel[];
  [setting: string]: unknown;
}

export interface Rule {
  readonly name: string;
  /** What is wrong, one line each. */
  check(dashboard: Dashboard): string[];
  /** Spoils a copy in the way that the rule is there for: a rule that never complains protects nothing. */
  spoil(dashboard: Dashboard): void;
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: the placeholder is Grafana's
export const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

/** All panels and rows; a collapsed row holds its panels inside itself. */
export function panelsOf({ panels }: Dashboard): Panel[] {
  return panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
}

/** The panels that show something. */
export function chartsOf(dashboard: Dashboard): Panel[] {
  return panelsOf(dashboard).filter((panel) => panel.type !== 'row');
}

export interface Query {
  /** For messages. */
  readonly where: string;
  readonly title: string;
  readonly target: Target;
}

export function targetsOf(dashboard: Dashboard): Query[] {
  return chartsOf(dashboard).flatMap(({ title, targets = [] }) =>
    targets.map((target) => ({ where: `${title} ${target.refId}`, title, target })),
  );
}

/** All PromQL of a dashboard: of panels and annotations. */
export function expressionsOf(dashboard: Dashboard): { where: string; expr: string }[] {
  return [
    ...targetsOf(dashboard).map(({ where, target }) => ({ where, expr: target.expr })),
    ...dashboard.annotations.list.map(({ name, expr }) => ({ where: `annotation ${name}`, expr })),
  ];
}

export function chart(dashboard: Dashboard, title: string): Panel {
  const found = chartsOf(dashboard).find((panel) => panel.title === title);
  if (found === undefined) throw new Error(`no panel ${title}`);
  return found;
}

export function firstTarget(dashboard: Dashboard): Target {
  const [query] = targetsOf(dashboard);
  if (query === undefined) throw new Error('no query');
  return query.target;
}

export function variable(dashboard: Dashboard, name: string): Variable {
  const found = dashboard.templating.list.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no variable ${name}`);
  return found;
}

/** The text of what a variable asks for. */
export function queryOf({ query }: Variable): string {
  return typeof query === 'string' ? query : query.query;
}

/** Series that an expression asks for, with the matchers between their braces. */
export function selectorsOf(expr: string): { series: string; matchers: string }[] {
  return [...expr.matchAll(/\b((?:watchdog|process|nodejs)_\w+|up)\b(?:\{([^}]*)\})?/g)].map(
    ([, series = '', matchers = '']) => ({
      series,
      matchers,
    }),
  );
}

/** Windows of an expression, each with its series and with the function that takes it. */
export function windowsOf(expr: string): { call: string; series: string; window: string }[] {
  return [...expr.matchAll(/(\w*)\(?\b(\w+)(?:\{[^}]*\})?\[([^\]]*)\]/g)].map(
    ([, call = '', series = '', window = '']) => ({ call, series, window }),
  );
}

const PARTS = {
  gauge: [''],
  counter: [''],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['_sum', '_count'],
};

/**
 * Each series that the sidecar serves: whether it only counts up, so that it means nothing without a rate.
 */
const KINDS = new Map(
  METRICS.flatMap(({ name, type }) =>
    PARTS[type].map((part) => [name + part, type === 'gauge' ? 'gauge' : 'counter'] as const),
  ),
).set('up', 'gauge');

export function kindOf(series: string): 'gauge' | 'counter' | undefined {
  return KINDS.get(series);
}
