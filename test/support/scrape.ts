import { eventually } from './eventually.js';

export const LAG = 'watchdog_eventloop_lag_seconds{thread="main"}';

/** One scrape: series by name and labels as they stand in the text. */
export interface Scrape {
  readonly text: string;
  readonly series: ReadonlyMap<string, number>;
  /** @throws if there is no such series */
  value(series: string): number;
  has(series: string): boolean;
  /** The sum over all series of this name. */
  sum(name: string): number;
  /** All series of a family, histogram parts included. */
  family(name: string): ReadonlyMap<string, number>;
}

export async function scrape(url: string, path = '/metrics'): Promise<Scrape> {
  const response = await fetch(url + path, { signal: AbortSignal.timeout(30_000) });
  if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
  return parse(await response.text());
}

/** Scrapes until a scrape is as wanted, and returns that one. */
export function scrapeUntil(url: string, what: string, wanted: (one: Scrape) => boolean): Promise<Scrape> {
  return eventually(async () => {
    const one = await scrape(url);
    return wanted(one) ? one : undefined;
  }, what);
}

/** A scrape that the sidecar answers while the app is blocked. */
export function scrapeWhileBlocked(url: string): Promise<Scrape> {
  return scrapeUntil(url, 'a blocked loop', (one) => one.value(LAG) >= 0.3);
}

export function parse(text: string): Scrape {
  const series = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const space = line.lastIndexOf(' ');
    series.set(line.slice(0, space), Number(line.slice(space + 1)));
  }
  return {
    text,
    series,
    value(name) {
      const value = series.get(name);
      if (value === undefined) throw new Error(`no series ${name} in:\n${text}`);
      return value;
    },
    has: (name) => series.has(name),
    sum: (name) =>
      [...series].reduce((sum, [one, value]) => sum + (one.replace(/\{.*/, '') === name ? value : 0), 0),
    family: (name) =>
      new Map(
        [...series].filter(([one]) => one.replace(/\{.*/, '').replace(/_(bucket|sum|count)$/, '') === name),
      ),
  };
}
