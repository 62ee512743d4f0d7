import { h } from './dom.js';

/** Has the browser keep it as a file. */
export function saveAs(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = h('a', { href: url, download: name });
  // Firefox follows only what is in the page.
  document.body.append(link);
  link.click();
  link.remove();
  // The download has begun by the next turn.
  setTimeout(() => URL.revokeObjectURL(url));
}

/** @returns whether the clipboard has it */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Not by plain HTTP from another host: there is only the old way, by what is selected.
    const area = h('textarea', { readonly: true, class: 'offscreen' });
    area.value = text;
    const focused = document.activeElement;
    document.body.append(area);
    area.select();
    const copied = document.execCommand('copy');
    area.remove();
    if (focused instanceof HTMLElement) focused.focus();
    return copied;
  }
}
