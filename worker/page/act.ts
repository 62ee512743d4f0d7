import { h, setText } from './dom.js';
import { failureOf } from './failure.js';
import { copyText } from './save.js';

/** Says how an act goes; each text is heard by a screen reader. */
export interface Report {
  readonly element: HTMLElement;
  say(text: string): void;
  fail(error: unknown): void;
}

export function createReport(): Report {
  const said = h('p', { role: 'status', class: 'said' });
  const failed = h('p', { role: 'alert', class: 'failure' });
  const tell = (text: string, failure: string): void => {
    setText(said, text);
    setText(failed, failure);
  };
  return {
    element: h('div', { class: 'report' }, said, failed),
    say: (text) => tell(text, ''),
    fail: (error) => tell('', failureOf(error)),
  };
}

/**
 * A button for something that takes its time; cannot be pressed meanwhile. It keeps the focus, which
 * `disabled` would take away.
 */
export function actButton(
  label: string,
  report: Report,
  act: () => Promise<void>,
  busy: { under: boolean } = { under: false },
): HTMLButtonElement {
  const button = h('button', { type: 'button' }, label);
  button.addEventListener('click', async () => {
    if (busy.under) return;
    busy.under = true;
    button.setAttribute('aria-disabled', 'true');
    try {
      await act();
    } catch (error) {
      report.fail(error);
    } finally {
      busy.under = false;
      button.removeAttribute('aria-disabled');
    }
  });
  return button;
}

/** A button that copies a text, and says that it did. */
export function copyButton(label: string, report: Report, text: () => string): HTMLButtonElement {
  const button = h('button', { type: 'button' }, label);
  button.addEventListener('click', async () =>
    report.say((await copyText(text())) ? 'Copied.' : 'The browser does not let this page copy.'),
  );
  return button;
}
