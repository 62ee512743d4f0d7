import { printable } from '../../src/shared/printable.js';

/**
 * The page's only way to make elements. Text goes in as text nodes: nothing that an app says of itself is ever
 * read as HTML, or turns the direction in which the text around it is read.
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
    element.setAttribute(name, value === true ? '' : seen(String(value)));
  }
  for (const child of children) {
    if (child !== undefined) element.append(typeof child === 'string' ? seen(child) : child);
  }
  return element;
}

/** A text as it is to be seen: as what it is. */
export const seen = (text: string): string => printable(text.replaceAll('\t', ' '));

/** Sets a text only if it is another: a screen reader need not hear it again, a selection stays. */
export function setText(element: Element, text: string): void {
  const shown = seen(text);
  if (element.textContent !== shown) element.textContent = shown;
}

/** A part of the page. */
export interface Section {
  readonly element: HTMLElement;
}
