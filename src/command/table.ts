export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => string;
  /** Figures stand under each other. */
  readonly right?: boolean;
  /** How to mark a cell, once it is as wide as it will be. */
  readonly paint?: (row: T, text: string) => string;
  /** Which columns go first where there is no room: those with the highest number. */
  readonly drop?: number;
}

const GAP = '  ';
/** The last column takes what is left, and is worth more than others if that is less. */
const LAST_MIN = 28;

/**
 * The lines of a table, its titles first.
 * @param width a line has at most so many characters; without it as many as it needs
 */
export function tableOf<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  width: number = Number.POSITIVE_INFINITY,
): string[] {
  const cells = columns.map((column) => rows.map((row) => column.cell(row)));
  const widths = columns.map(({ title }, i) => Math.max(...[title, ...(cells[i] as string[])].map(lengthOf)));
  const shown = whatFits(columns, widths, width);
  const last = shown.at(-1);
  const lineOf = (textOf: (i: number) => string, paintOf: (i: number, text: string) => string): string => {
    let left = width;
    const parts = shown.map((i) => {
      const space = i === last ? left : Math.min(left, widths[i] as number);
      left = Math.max(0, left - (widths[i] as number) - GAP.length);
      const text = shortened(textOf(i), space);
      const padding = ' '.repeat(Math.max(0, Math.min(space, widths[i] as number) - lengthOf(text)));
      if (columns[i]?.right) return padding + paintOf(i, text);
      return paintOf(i, text) + (i === last ? '' : padding);
    });
    return parts.join(GAP).trimEnd();
  };
  return [
    lineOf(
      (i) => columns[i]?.title ?? '',
      (_, text) => text,
    ),
    ...rows.map((row, at) =>
      lineOf(
        (i) => cells[i]?.[at] ?? '',
        (i, text) => columns[i]?.paint?.(row, text) ?? text,
      ),
    ),
  ];
}

/** Which columns are shown, in order. */
function whatFits<T>(columns: readonly Column<T>[], widths: readonly number[], width: number): number[] {
  let shown = columns.map((_, i) => i);
  const needed = (): number => {
    const all = shown.map((i) =>
      i === columns.length - 1 ? Math.min(LAST_MIN, widths[i] as number) : (widths[i] as number),
    );
    return all.reduce((sum, one) => sum + one + GAP.length, -GAP.length);
  };
  while (needed() > width) {
    const worst = Math.max(...shown.map((i) => columns[i]?.drop ?? 0));
    if (worst === 0) break;
    shown = shown.filter((i) => columns[i]?.drop !== worst);
  }
  return shown;
}

/** In characters, and not in halves of them. */
const lengthOf = (text: string): number => [...text].length;

export function shortened(text: string, width: number): string {
  if (text.length <= width || lengthOf(text) <= width) return text;
  return width < 1 ? '' : `${[...text].slice(0, width - 1).join('')}…`;
}
