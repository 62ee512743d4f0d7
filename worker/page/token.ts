import type { Api, ApiError } from './api.js';
import { h, setText } from './dom.js';

/** Where the routes are, of which the page is the first: behind a proxy several watchdogs may have one each. */
export const FOLDER: string = location.pathname.replace(/\/$/, '');
/** Gone with the tab: a token is not left on the disk of whoever has looked. */
const KEY = `event-loop-watchdog-token${FOLDER}`;

/** For this page, where the browser lets it keep nothing. */
let held: string | undefined;

export function storedToken(): string | undefined {
  try {
    return sessionStorage.getItem(KEY) ?? held;
  } catch {
    return held;
  }
}

function store(token: string | undefined): void {
  held = token;
  try {
    if (token === undefined) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, token);
  } catch {
    // It is held.
  }
}

export interface TokenForm {
  readonly element: HTMLElement;
  /** Asks for the token; again, if there was one. */
  show(): void;
}

const WRONG =
  'That is not the token. It is what the option "token" says, or what the file "tokenFile" holds.';
/** What else cannot be sent in a header. */
const SENDABLE = /^[\x21-\x7e]+$/;

/** @param onEntered called once the sidecar has taken the token */
export function createTokenForm(api: Api, onEntered: () => void): TokenForm {
  const field = h('input', {
    id: 'token',
    type: 'password',
    autocomplete: 'current-password',
    required: true,
    spellcheck: 'false',
    'aria-describedby': 'token-note token-fault',
  });
  const fault = h('p', { id: 'token-fault', class: 'fault', role: 'alert' });
  const button = h('button', { type: 'submit', class: 'primary' }, 'Enter');
  const form = h(
    'form',
    { class: 'card token', hidden: true, 'aria-labelledby': 'token-title' },
    h('h2', { id: 'token-title' }, 'This watchdog asks for its token'),
    h('label', { for: 'token' }, 'Token'),
    h('div', { class: 'row' }, field, button),
    h(
      'p',
      { id: 'token-note', class: 'muted' },
      'Kept until this tab is closed, and sent to this sidecar only.',
    ),
    fault,
  );

  /** @returns what is wrong with it, if anything is */
  async function tryIt(token: string): Promise<string | undefined> {
    if (!SENDABLE.test(token)) return WRONG;
    store(token);
    try {
      await api.get('/api/state');
      return undefined;
    } catch (error) {
      store(undefined);
      const { status, message } = error as ApiError;
      return status === 401 || status === 404 ? WRONG : message;
    }
  }

  async function enter(): Promise<void> {
    button.disabled = true;
    const wrong = await tryIt(field.value.trim());
    button.disabled = false;
    setText(fault, wrong ?? '');
    field.toggleAttribute('aria-invalid', wrong !== undefined);
    form.hidden = wrong === undefined;
    if (wrong !== undefined) {
      field.select();
      return;
    }
    field.value = '';
    onEntered();
  }
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void enter();
  });

  return {
    element: form,
    show() {
      const first = form.hidden;
      setText(fault, storedToken() === undefined ? '' : WRONG);
      store(undefined);
      form.hidden = false;
      if (first) field.focus();
    },
  };
}
