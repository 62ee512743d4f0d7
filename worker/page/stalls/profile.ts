import type { Report } from '../act.js';
import { h } from '../dom.js';
import { saveAs } from '../save.js';
import { createFlame } from './flame.js';

export interface ProfileOptions {
  /** Of the file. */
  readonly name: string;
  /** See {@link createFlame}. */
  readonly idleWords: string;
  readonly report: Report;
}

/** A `.cpuprofile`: what it shows, and the file for those who have the tools for it. */
export async function profileOf(
  blob: Blob,
  { name, idleWords, report }: ProfileOptions,
): Promise<HTMLElement> {
  const save = h('button', { type: 'button' }, 'Download .cpuprofile');
  save.addEventListener('click', () => {
    saveAs(blob, name);
    report.say(`Saved as ${name}.`);
  });
  const hint = 'Opens in Chrome DevTools (Performance, Load profile), VS Code and speedscope.app.';
  return h(
    'div',
    { class: 'profile' },
    createFlame(JSON.parse(await blob.text()), idleWords),
    h('p', {}, save, ' ', h('span', { class: 'hint' }, hint)),
  );
}
