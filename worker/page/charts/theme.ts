/** Custom properties of the style sheet for what is drawn on a canvas. */
const known = new Map<string, string>();

export function colour(property: string): string {
  let value = known.get(property);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(property).trim();
    known.set(property, value);
  }
  return value;
}

/** Light becomes dark, or the other way round. */
export function onThemeChange(redraw: () => void): void {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    known.clear();
    redraw();
  });
}
