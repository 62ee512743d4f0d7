export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => string;
  /** Figures stand under each other. */
  readonly right?: boolean;
  /** It is at least so wide: a table that is drawn again and again is not to jump. */
  readonly least?: number;
  /** How to mark what a cell shows. */
  readonly paint?: (row: T, text: string) => string;
  /** Which columns go first where there is no room: those with the highest number. */
  readonly drop?: number;
}

const GAP = '  ';
/** The last column takes what is left, and is worth more than others if that is less. */
const LAST_MIN = 24;

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
  const widths = columns.map(({ title, least = 0 }, i) =>
    Math.max(least, ...[title, ...(cells[i] as string[])].map(lengthOf)),
  );
  const shown = whatFits(columns, widths, width);
  const [fixed, last] = [shown.slice(0, -1), shown.at(-1) as number];
  const left = Math.max(0, width - widthOf(fixed, widths) - GAP.length);

  const padded = (i: number, text: string, row: T | undefined): string => {
    const padding = ' '.repeat((widths[i] as number) - lengthOf(text));
    return columns[i]?.right
      ? padding + painted(columns[i], text, row)
      : painted(columns[i], text, row) + padding;
  };
  const lineOf = (texts: readonly string[], row?: T): string => {
    const end = painted(columns[last], shortened(texts[last] as string, left), row);
    return [...fixed.map((i) => padded(i, texts[i] as string, row)), end].join(GAP).trimEnd();
  };
  return [
    lineOf(columns.map(({ title }) => title)),
    ...rows.map((row, at) =>
      lineOf(
        cells.map((column) => column[at] as string),
        row,
      ),
    ),
  ];
}

function painted<T>(column: Column<T> | undefined, text: string, row: T | undefined): string {
  return column?.paint && row !== undefined ? column.paint(row, text) : text;
}

/** Which columns are shown, in order. */
function whatFits<T>(columns: readonly Column<T>[], widths: readonly number[], width: number): number[] {
  let shown = columns.map((_, i) => i);
  while (widthOf(shown.slice(0, -1), widths) + GAP.length + LAST_MIN > width) {
    const worst = Math.max(...shown.map((i) => columns[i]?.drop ?? 0));
    if (worst === 0) break;
    shown = shown.filter((i) => columns[i]?.drop !== worst);
  }
  return shown;
}

const widthOf = (shown: readonly number[], widths: readonly number[]): number =>
  shown.reduce((sum, i) => sum + (widths[i] as number) + GAP.length, -GAP.length);

/** In characters, and not in halves of them. */
const lengthOf = (text: string): number => [...text].length;

export function shortened(text: string, width: number): string {
  if (text.length <= width || lengthOf(text) <= width) return text;
  return width < 1 ? '' : `${[...text].slice(0, width - 1).join('')}…`;
}
