/** One scrape: series by name and labels as they stand in the text. */
export interface Scrape {
  readonly text: string;
  /** @throws if there is no such series */
  value(series: string): number;
  has(series: string): boolean;
  /** All series of a family, histogram parts included. */
  family(name: string): ReadonlyMap<string, number>;
}

export async function scrape(url: string, path = '/metrics'): Promise<Scrape> {
  const response = await fetch(url + path, { signal: AbortSignal.timeout(30_000) });
  if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
  return parse(await response.text());
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
    value(name) {
      const value = series.get(name);
      if (value === undefined) throw new Error(`no series ${name} in:\n${text}`);
      return value;
    },
    has: (name) => series.has(name),
    family: (name) =>
      new Map(
        [...series].filter(([one]) => one.replace(/\{.*/, '').replace(/_(bucket|sum|count)$/, '') === name),
      ),
  };
}
