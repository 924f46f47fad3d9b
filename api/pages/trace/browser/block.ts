import { length } from '../format';
import { el, say } from './dom';

/** A text that is shown at once; of a longer one the beginning is, until the rest is asked for. */
const atOnce = 40_000;

/** A page with an origin of its own may not have the clipboard; then the copy command puts the text in. */
async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const put = (event: ClipboardEvent): void => {
      event.clipboardData?.setData('text/plain', text);
      event.preventDefault();
    };
    document.addEventListener('copy', put, { once: true });
    document.execCommand('copy');
    document.removeEventListener('copy', put);
  }
}

export function copyButton(what: string, text: () => string): HTMLButtonElement {
  const button = el('button', { class: 'copy', aria: { label: `Copy ${what}` } }, 'Copy');
  button.addEventListener('click', () => {
    void copy(text()).then(() => {
      button.textContent = 'Copied';
      say(`${what} copied`);
      setTimeout(() => (button.textContent = 'Copy'), 1500);
    });
  });
  return button;
}

export interface Block {
  name: string;
  value: unknown;
}

/** Which blocks are open is kept by name: who opens every Input wants to see the next one too. */
export interface Folds {
  isOpen(name: string): boolean;
  set(name: string, open: boolean): void;
  changed(): void;
}

function content(value: unknown, changed: () => void): { text: string; body: () => HTMLElement } {
  const text = typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? '');
  const name = typeof value === 'string' ? 'prose' : 'json';
  const body = (): HTMLElement => {
    const pre = el('pre', { class: name }, text.slice(0, atOnce));
    pre.tabIndex = 0; // a wide one is scrolled by keys
    if (text.length <= atOnce) return pre;
    const all = el('button', { class: 'more' }, `Show all ${length(text.length)} characters`);
    all.addEventListener('click', () => {
      pre.textContent = text;
      all.remove();
      pre.focus();
      changed();
    });
    return el('div', {}, pre, all);
  };
  return { text, body };
}

/** A named value that can be folded and copied. Its body is made when it is opened. */
export function block({ name, value }: Block, folds: Folds): HTMLElement {
  const { text, body } = content(value, () => folds.changed());
  const holder = el('div', { class: 'holder' });
  const toggle = el('button', { class: 'fold' }, name);
  const show = (open: boolean): void => {
    toggle.setAttribute('aria-expanded', String(open));
    holder.replaceChildren(...(open ? [body()] : []));
  };
  toggle.addEventListener('click', () => {
    const open = toggle.getAttribute('aria-expanded') !== 'true';
    folds.set(name, open);
    show(open);
    folds.changed();
  });
  show(folds.isOpen(name));
  return el(
    'section',
    { class: 'block', aria: { label: name } },
    el(
      'h3',
      {},
      toggle,
      el('span', { class: 'size' }, length(text.length)),
      copyButton(name, () => text),
    ),
    holder,
  );
}
