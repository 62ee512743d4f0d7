import {
  type Dashboard,
  expressionsOf,
  firstTarget,
  kindOf,
  type Query,
  type Rule,
  selectorsOf,
  targetsOf,
  windowsOf,
} from './model.js';

/** Windows that are not the zoom's, and why. */
const FIXED_WINDOWS: ReadonlyMap<string, readonly string[]> = new Map([
  // A budget is defined by its windows: these are those of the alerts.
  ['Burn rate of the stall budget', ['1h', '6h']],
]);

const RATES = ['rate', 'irate'];
const TOTALS = ['increase', 'resets'];

function withMatcher(matcher: string): (dashboard: Dashboard) => string[] {
  return (dashboard) =>
    expressionsOf(dashboard).flatMap(({ where, expr }) => {
      const all = selectorsOf(expr);
      if (all.length === 0) return [`${where} asks for no series`];
      return all
        .filter(({ matchers }) => !matchers.split(', ').includes(matcher))
        .map(({ series }) => `${where}: ${series}`);
    });
}

function window({ title, target }: Query, call: string): readonly string[] {
  if (RATES.includes(call)) return FIXED_WINDOWS.get(title) ?? ['$__rate_interval'];
  return target.instant ? ['$__range'] : ['$__rate_interval'];
}

/** The labels that an expression keeps: all that it aggregates by. */
function labelsKept(expr: string): string[] {
  return [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(', '));
}

function ask(dashboard: Dashboard, expr: string): void {
  firstTarget(dashboard).expr = expr;
}

const CHOSEN = '{job=~"$job", instance=~"$instance"}';

export const TARGET_RULES: Rule[] = [
  {
    // A query that forgets the job mixes services under a title that says otherwise.
    name: 'narrows every series by job',
    check: withMatcher('job=~"$job"'),
    spoil: (dashboard) => ask(dashboard, 'max(watchdog_eventloop_lag_seconds{instance=~"$instance"})'),
  },
  {
    // And one that forgets the instance hides the process that was chosen among the others.
    name: 'narrows every series by instance',
    check: withMatcher('instance=~"$instance"'),
    spoil: (dashboard) => ask(dashboard, 'max(watchdog_eventloop_lag_seconds{job=~"$job"})'),
  },
  {
    // $__rate_interval always holds some scrapes: a fixed window is empty with a slow scrape, and skips what
    // is between two points of a long range. A total over $__range is right at the end of it, not along it.
    name: 'lets the windows of rates follow the zoom and the scrape interval',
    check: (dashboard) =>
      targetsOf(dashboard).flatMap((query) =>
        windowsOf(query.target.expr)
          .filter(({ call }) => [...RATES, ...TOTALS].includes(call))
          .filter(({ call, window: actual }) => !window(query, call).includes(actual))
          .map(({ call, window: actual }) => `${query.where}: ${call} over ${actual}`),
      ),
    spoil: (dashboard) => ask(dashboard, `sum(rate(watchdog_stalls_total${CHOSEN}[5m]))`),
  },
  {
    // The value of a counter tells how long the process has been up, and falls to 0 with a restart.
    name: 'takes a rate of every counter',
    check: (dashboard) =>
      expressionsOf(dashboard).flatMap(({ where, expr }) => {
        const counters = selectorsOf(expr).filter(({ series }) => kindOf(series) === 'counter').length;
        const rated = windowsOf(expr).filter(
          ({ call, series }) => kindOf(series) === 'counter' && [...RATES, ...TOTALS].includes(call),
        ).length;
        return counters === rated ? [] : [where];
      }),
    spoil: (dashboard) => ask(dashboard, `sum(watchdog_stalls_total${CHOSEN})`),
  },
  {
    // rate() takes every fall for a restart: of a gauge it makes a number without meaning.
    name: 'takes no rate of a gauge',
    check: (dashboard) =>
      expressionsOf(dashboard).flatMap(({ where, expr }) =>
        windowsOf(expr)
          .filter(({ call, series }) => kindOf(series) === 'gauge' && [...RATES, ...TOTALS].includes(call))
          .map(({ series }) => `${where}: ${series}`),
      ),
    spoil: (dashboard) => ask(dashboard, `rate(watchdog_eventloop_lag_seconds${CHOSEN}[$__rate_interval])`),
  },
  {
    // Buckets without their bounds are no histogram: the quantile is NaN, and the panel empty.
    name: 'keeps the bounds of buckets',
    check: (dashboard) =>
      expressionsOf(dashboard)
        .filter(
          ({ expr }) =>
            expr.includes('_bucket{') && !/\bby \((?:[^)]*, )?le\) \(rate\(\w+_bucket\{/.test(expr),
        )
        .map(({ where }) => where),
    spoil: (dashboard) =>
      ask(
        dashboard,
        `histogram_quantile(0.9, sum(rate(watchdog_eventloop_delay_seconds_bucket${CHOSEN}[$__rate_interval])))`,
      ),
  },
  {
    // The other way round from the type check of the generator: this is what the committed file says.
    name: 'asks only for series that the sidecar serves',
    check: (dashboard) =>
      expressionsOf(dashboard).flatMap(({ where, expr }) =>
        selectorsOf(expr)
          .filter(({ series }) => kindOf(series) === undefined)
          .map(({ series }) => `${where}: ${series}`),
      ),
    spoil: (dashboard) => ask(dashboard, `max(watchdog_eventloop_lagg_seconds${CHOSEN})`),
  },
  {
    // {{thread}} of a series that has lost its thread is an empty name; several such lines are all the same.
    name: 'names lines by labels that they have',
    check: (dashboard) =>
      targetsOf(dashboard).flatMap(({ where, target: { expr, legendFormat = '' } }) => {
        const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
        return named
          .filter((label) => !labelsKept(expr).includes(label))
          .map((label) => `${where}: ${label}`);
      }),
    spoil: (dashboard) => {
      firstTarget(dashboard).legendFormat = '{{zone}}';
    },
  },
];
