// What runs inside the page that is looked at: only what is declared here is there.

interface Element {
  localName: string;
  getAttributeNames(): string[];
  getAttribute(name: string): string | null;
  dispatchEvent(event: object): void;
}
declare const document: {
  querySelectorAll(selector: string): Iterable<Element>;
  getElementById(id: string): Element | null;
};
declare const KeyboardEvent: new (type: string, init: object) => object;
declare const requestAnimationFrame: (done: () => void) => void;
declare const addEventListener: (
  type: 'securitypolicyviolation',
  told: (event: { effectiveDirective: string; blockedURI: string; sample: string }) => void,
) => void;

/** What ran, and what the policy had to stop. */
export interface Told {
  fired: number;
  refused: string[];
}

/** Counts, from before the page's first script. */
export function watch(): void {
  const told: Told = { fired: 0, refused: [] };
  Object.assign(globalThis, told);
  addEventListener('securitypolicyviolation', (e) =>
    told.refused.push(`${e.effectiveDirective} ${e.blockedURI} ${e.sample}`),
  );
}

/** Opens every line, and looks for what no page of ours has. */
export async function walk(most: number): Promise<{ seen: number; found: string[] }> {
  const frame = (): Promise<void> => new Promise((done) => requestAnimationFrame(done));
  const found = new Set<string>();
  const expected =
    'html,head,body,header,noscript,search,main,footer,meta,title,section,article,div,p,span,h1,h2,h3,dl,dt,dd,ul,li,pre,code,kbd,time,button,input,output,blockquote';
  const own = new Set(document.querySelectorAll('head > link[rel=icon], head > style, body > script'));
  const look = (within: string): void => {
    for (const e of document.querySelectorAll(`${within}:not(${expected})`))
      if (!own.has(e)) found.add(`<${e.localName}>`);
    for (const e of document.querySelectorAll(within))
      for (const name of e.getAttributeNames())
        if (/^(on|src|action|formaction|xlink)/i.test(name) || (name === 'href' && !own.has(e)))
          found.add(`${e.localName}[${name}]`);
  };
  if (own.size !== 4) found.add(`${own.size} scripts, styles and icons instead of 4`);
  const tree = document.getElementById('tree');
  const chosen = (): string => tree?.getAttribute('aria-activedescendant') ?? '';
  look('*');
  let seen = 0;
  for (let last = ''; tree && seen < most && chosen() !== last; seen += 1) {
    last = chosen();
    tree.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', bubbles: true }));
    look('#detail *');
  }
  await frame();
  look('*');
  return { seen, found: [...found] };
}
