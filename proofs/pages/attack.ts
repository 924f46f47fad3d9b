import type { BrowserContext, Page } from 'playwright-core';
import { tracePage } from '../../api/pages/trace/page';
import type { Pages } from './browser';
import { walk, watch, type Told } from './inside';
import { payloads } from './payloads';
import { sampleTrace } from './sample';

export interface Attacked {
  payloads: number;
  pages: number;
  steps: number;
  /** What ran, what was asked for, what the policy had to stop, what became markup: each a line. */
  violations: string[];
}

async function open(context: BrowserContext, url: string): Promise<{ page: Page; troubles: string[] }> {
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on('request', (r) => r.url() !== url && troubles.push(`asked for ${r.url().slice(0, 200)}`));
  page.on('dialog', (d) => {
    troubles.push(`dialog ${d.message()}`);
    void d.dismiss();
  });
  page.on('pageerror', (e) => troubles.push(`error ${e.message}`));
  page.on('popup', () => troubles.push('opened another page'));
  await page.addInitScript(watch);
  return { page, troubles };
}

/** In one text, of what a trace has one of only: each takes a page to look at. */
const together = 10;

/**
 * Puts payloads into every text of a trace, and looks at all of it; once under the page's policy, which must have had nothing
 * to stop, and once without it, when nothing may have run all the same. `render` is what is attacked.
 */
export async function attack(
  pages: Pages,
  count: number,
  render: (trace: ReturnType<typeof sampleTrace>) => ReturnType<typeof tracePage> = tracePage,
): Promise<Attacked> {
  const texts = payloads(count);
  const of = (i: number): string => texts[i % count] ?? '';
  const violations: string[] = [];
  let [loads, steps] = [0, 0];
  for (const bypassCSP of [false, true]) {
    const context = await pages.browser.newContext({ bypassCSP });
    const url = pages.put(render(sampleTrace(0)));
    const { page, troubles } = await open(context, url);
    const visit = async (trace: ReturnType<typeof sampleTrace>, what: string): Promise<void> => {
      pages.put(render(trace));
      await page.goto(url);
      const { seen, found } = await page.evaluate(walk, 2 * trace.steps.length + 2);
      const { fired, refused } = await page.evaluate<Told>('({ fired, refused })');
      loads += 1;
      steps += seen;
      const said = [...troubles.splice(0), ...found.map((f) => `holds ${f}`), ...refused.map((r) => `policy: ${r}`)];
      if (fired) said.push(`ran ${fired} times`);
      if (seen <= trace.steps.length) said.push(`showed ${seen} lines of ${trace.steps.length + 1}`);
      violations.push(...said.map((line) => `${bypassCSP ? 'without policy' : 'with policy'}, ${what}: ${line}`));
    };
    // Lists hold all of them at once: a step each, an insight each. What there is one of takes them page by page.
    await visit(sampleTrace(count, of), 'in every step');
    for (let i = 0; i < count; i += together) {
      const chunk = texts.slice(i, i + together);
      await visit(
        sampleTrace(1, () => chunk.join('\n')),
        JSON.stringify(chunk[0]).slice(0, 120),
      );
    }
    await context.close();
  }
  return { payloads: count, pages: loads, steps, violations };
}
