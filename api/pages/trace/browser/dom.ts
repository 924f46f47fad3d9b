type Child = Node | string | null;

interface Props {
  class?: string;
  id?: string;
  role?: string;
  title?: string;
  aria?: Record<string, string | number | boolean>;
  click?: () => void;
}

/** The only way by which this page makes elements: text is text, and no attribute that loads or runs can be set. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (props.class !== undefined) element.className = props.class;
  if (props.id !== undefined) element.id = props.id;
  if (props.title !== undefined) element.title = props.title;
  if (props.role !== undefined) element.setAttribute('role', props.role);
  for (const [name, value] of Object.entries(props.aria ?? {})) element.setAttribute(`aria-${name}`, String(value));
  if (props.click) element.addEventListener('click', props.click);
  if (element instanceof HTMLButtonElement) element.type = 'button';
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** @throws Error when the page has no such element */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no #${id}`);
  return found;
}

/** Told to those who do not see it. */
export const say = (text: string): void => {
  byId('said').textContent = text;
};
