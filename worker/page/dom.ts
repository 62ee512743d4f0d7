/**
 * The page's only way to make elements. Text goes in as text nodes: nothing that an app says of itself is ever
 * read as HTML.
 */
type Child = Node | string | undefined;

/** Attributes by their names in HTML; `true` is present, `undefined` and `false` are absent. */
type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** Sets a text only if it is another: a screen reader need not hear it again, a selection stays. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** A part of the page. */
export interface Section {
  readonly element: HTMLElement;
}
