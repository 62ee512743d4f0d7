import type { Counter, Gauge, Histogram } from './series.js';

/** Label matchers besides job and instance, such as `cause="gc"`. */
type Matchers = readonly string[];

/** What the variables at the top of the dashboard choose. */
export const CHOSEN = 'job=~"$job", instance=~"$instance"';

function selector(series: string, matchers: Matchers): string {
  return `${series}{${[CHOSEN, ...matchers].join(', ')}}`;
}

export function gauge(name: Gauge, ...matchers: Matchers): string {
  return selector(name, matchers);
}

/** Per second, over a window that follows the zoom and always holds some scrapes. */
export function rate(name: Counter, ...matchers: Matchers): string {
  return rateOver('$__rate_interval', name, ...matchers);
}

/** Per second, over a fixed window: for a budget, which is defined by its windows. */
export function rateOver(window: string, name: Counter, ...matchers: Matchers): string {
  return `rate(${selector(name, matchers)}[${window}])`;
}

/** How much in all that the dashboard shows; for instant queries. */
export function total(name: Counter, ...matchers: Matchers): string {
  return `increase(${selector(name, matchers)}[$__range])`;
}

/** How often the counter began again at 0 in all that the dashboard shows; for instant queries. */
export function resets(name: Counter, ...matchers: Matchers): string {
  return `resets(${selector(name, matchers)}[$__range])`;
}

/** @param by labels to keep, `le` aside */
export function quantile(q: number, name: Histogram, by: readonly string[], ...matchers: Matchers): string {
  const buckets = rate(`${name}_bucket`, ...matchers);
  return `histogram_quantile(${q}, sum by (${[...by, 'le'].join(', ')}) (${buckets}))`;
}

/** Sum by count, each aggregated apart. */
export function mean(name: Histogram, ...matchers: Matchers): string {
  return `sum(${rate(`${name}_sum`, ...matchers)}) / sum(${rate(`${name}_count`, ...matchers)})`;
}

/** `up` is Prometheus' own: 0 if the last scrape of the target failed. */
export function up(): string {
  return selector('up', []);
}
