import type { BrowserContextOptions, Page } from 'playwright-core';
import { tracePage } from '../../api/pages/trace/page';
import { attack } from '../../proofs/pages/attack';
import { chromiumPath, openPages, type Pages } from '../../proofs/pages/browser';
import { sampleTrace } from '../../proofs/pages/sample';
import { contrasts, scrolls } from './inside';

const path = chromiumPath();
if (path === null) process.stdout.write('skipped test/pages: there is no chromium (CHROMIUM_PATH)\n');
const inBrowser = path === null ? describe.skip : describe;

let pages: Pages;
const closing: (() => Promise<void>)[] = [];
const desk: BrowserContextOptions = { viewport: { width: 1280, height: 800 } };

/** The page in a browser of its own kind, and what it should never have done. */
async function show(trace = sampleTrace(60), options: BrowserContextOptions = desk): Promise<Page> {
  const context = await pages.browser.newContext(options);
  closing.push(() => context.close());
  const page = await context.newPage();
  const troubles: string[] = [];
  const url = pages.put(tracePage(trace));
  page.on('request', (r) => r.url() !== url && troubles.push(r.url()));
  page.on('console', (m) => troubles.push(m.text()));
  page.on('pageerror', (e) => troubles.push(e.message));
  await page.goto(url);
  closing.unshift(() => Promise.resolve(expect(troubles).toEqual([])));
  return page;
}
const title = (page: Page) => page.locator('#detail-title').textContent();
const chosen = (page: Page) => page.locator('[aria-selected=true] .title').textContent();
const press = async (page: Page, ...keys: string[]): Promise<void> => {
  for (const key of keys) await page.keyboard.press(key);
};

inBrowser('the trace page', () => {
  beforeAll(async () => {
    pages = await openPages();
  });
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });
  afterAll(() => pages.close());

  test('payloads in every text: nothing runs, nothing is asked for, the policy has nothing to stop', async () => {
    const { violations, ...figures } = await attack(pages, 50);
    expect(violations).toEqual([]);
    expect(figures).toMatchObject({ payloads: 50, pages: 12 });
  }, 120_000);

  test('the attack is noticed: on a page that leaves one text as it is, with the policy and without', async () => {
    const careless = (trace: ReturnType<typeof sampleTrace>) => {
      const reply = tracePage(trace);
      return { ...reply, body: reply.body.replace('</h1>', () => `${trace.subject}</h1>`) };
    };
    const { violations } = await attack(pages, 20, careless);
    expect(violations.some((v) => /^with policy, .*: policy: script-src/.test(v))).toBe(true);
    expect(violations.some((v) => /^without policy, .*: ran \d+ times/.test(v))).toBe(true);
    expect(violations.some((v) => /^without policy, .*: asked for .*outside\.invalid/.test(v))).toBe(true);
    expect(violations.some((v) => v.includes('holds <img>'))).toBe(true);
  }, 120_000);

  test('the policy lets through the two parts of the page, by hash, and nothing from anywhere', () => {
    const { headers = {} } = tracePage(sampleTrace(1));
    const policy = headers['Content-Security-Policy'] ?? '';
    const hash = "'sha256-[A-Za-z0-9+/]{43}='";
    expect(policy).toMatch(
      new RegExp(
        `^default-src 'none'; script-src ${hash}; style-src ${hash}; img-src data:; base-uri 'none'; form-action 'none'; ` +
          `require-trusted-types-for 'script'; trusted-types 'none'; frame-ancestors 'none'; sandbox allow-scripts$`,
      ),
    );
  });

  test('shows what a step was: when, how long, decision, input, output, prompt and answer', async () => {
    const page = await show();
    expect(await page.title()).toBe('Trace: transaction 0');
    for (const part of ['Insights', 'Recommendations', 'Evidence', 'Limits', 'Rule draft', 'What became of it'])
      await page.getByRole('region', { name: part }).waitFor();
    await press(page, 'j', 'j', 'j', 'j');
    expect(await title(page)).toBe('step 3');
    expect(await page.locator('#detail .kicker').textContent()).toBe('model · by 3');
    expect(await page.locator('#detail .facts').innerText()).toContain('56.0 ms');
    const names = await page.locator('#detail .block .fold').allTextContents();
    expect(names).toEqual(['Decision', 'Input', 'Prompt: role 3', 'Answer', 'Output']);
    expect(JSON.parse((await page.getByRole('region', { name: 'Input' }).locator('pre').textContent()) ?? '')).toEqual({
      transaction_id: '00000000-0000-7000-8000-000000000003',
      'key 3': ['input 3', 3, null, true],
    });
  });

  test('is used by keys alone: move, fold, open, search, back', async () => {
    const page = await show();
    await press(page, 'ArrowDown', 'j', 'k');
    expect([await chosen(page), await title(page)]).toEqual(['step 0', 'step 0']);
    await press(page, 'h');
    expect(await page.locator('#line-1').getAttribute('aria-expanded')).toBe('false');
    await press(page, 'j');
    expect(await chosen(page)).toBe('step 10');
    await press(page, 'k', 'ArrowRight', 'ArrowRight');
    expect(await chosen(page)).toBe('step 1');
    await press(page, 'ArrowLeft');
    expect(await chosen(page)).toBe('step 0');
    await press(page, 'End');
    expect(await chosen(page)).toBe('step 59');
    await press(page, 'Home', 'j', 'Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('detail');
    await press(page, 'Escape', '/');
    expect(await page.evaluate('document.activeElement.id')).toBe('search');
    await page.keyboard.type('PROMPT 3');
    // Of the 60 steps, those that hold both words somewhere, with the plans above them.
    expect(await page.locator('#found').textContent()).toMatch(/^\d+ of 60$/);
    await page.keyboard.type('x');
    expect(await page.locator('#found').textContent()).toBe('0 of 60');
    await press(page, 'Backspace', 'Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('tree');
    expect(await page.locator('#detail').innerText()).toContain('prompt 3');
    await press(page, '/', 'Escape');
    expect(await page.locator('#search').inputValue()).toBe('');
  });

  test('search marks what it found without touching the text', async () => {
    const trace = sampleTrace(60);
    Object.assign(trace.steps[17] ?? {}, { output: { found: ['a needle', 'no Needles'] } });
    const page = await show(trace);
    await page.locator('#search').fill('Needle');
    expect(await page.locator('#found').textContent()).toBe('1 of 60');
    expect(await page.locator('.row .title').allTextContents()).toEqual(['Overview', 'step 10', 'step 17']);
    await press(page, 'Enter');
    expect(await title(page)).toBe('step 17');
    expect(await page.evaluate("CSS.highlights.get('found').size")).toBe(2);
  });

  test('collapses and expands all: the tree, and the blocks of a step', async () => {
    const page = await show();
    await press(page, 'j', 'j');
    await page.getByRole('button', { name: 'Collapse all' }).click();
    expect(await page.locator('.row').count()).toBe(7); // the overview and six plans
    expect(await title(page)).toBe('step 0');
    expect(await page.locator('#detail pre').count()).toBe(0);
    await page.getByRole('button', { name: 'Expand all' }).click();
    expect(await page.locator('#detail pre').count()).toBe(3);
    expect(await page.locator('.row').count()).toBeGreaterThan(20);
    await page.getByRole('button', { name: 'Input', exact: true }).click();
    await press(page, 'j');
    expect(await page.locator('#detail pre').count()).toBe(2); // of the next step too
  });

  test('copies a block as it is', async () => {
    const text = `first\n"second" <b>${'x'.repeat(50_000)}`; // longer than what is shown at once
    const trace = sampleTrace(60);
    Object.assign(trace.steps[3] ?? {}, { answer: text });
    const page = await show(trace);
    await page.evaluate(
      "document.addEventListener('copy', (e) => setTimeout(() => { window.copied = 'event'; }), true); " +
        'const set = DataTransfer.prototype.setData; DataTransfer.prototype.setData = function (type, text) { window.put = text; return set.call(this, type, text); };' +
        'const write = Clipboard.prototype.writeText; if (navigator.clipboard) navigator.clipboard.writeText = (text) => { window.put = text; return write.call(navigator.clipboard, text); };',
    );
    await press(page, 'j', 'j', 'j', 'j');
    expect(await page.getByRole('region', { name: 'Answer' }).locator('pre').textContent()).toHaveLength(40_000);
    await page.getByRole('button', { name: 'Copy Answer' }).click();
    await page.getByText('Copied', { exact: true }).waitFor();
    expect(await page.evaluate('window.put')).toBe(text);
    expect(await page.locator('#said').textContent()).toBe('Answer copied');
    await page.getByRole('button', { name: 'Show all 50.0 k characters' }).click();
    expect(await page.getByRole('region', { name: 'Answer' }).locator('pre').textContent()).toBe(text);
  });

  test('leads from a finding to the step that it rests on, through what is folded', async () => {
    const page = await show();
    await page.getByRole('button', { name: 'Collapse all' }).click();
    await page.getByRole('region', { name: 'Insights' }).getByRole('button', { name: 'step 17' }).click();
    expect([await chosen(page), await title(page)]).toEqual(['step 17', 'step 17']);
  });

  test('on a phone: nothing is wider than the screen, a step opens over the list, and back leads to it', async () => {
    const long = sampleTrace(60, (i, of) => `${of} ${i} ${'x'.repeat(120)}`);
    const page = await show(long, { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true });
    const wide = 'document.documentElement.scrollWidth';
    expect(await page.evaluate(wide)).toBeLessThanOrEqual(360);
    expect(await page.locator('#detail').isVisible()).toBe(false);
    await page.locator('#line-4').tap();
    expect(await page.locator('#detail').isVisible()).toBe(true);
    expect(await page.evaluate(wide)).toBeLessThanOrEqual(360);
    expect(await page.evaluate("document.getElementById('detail').scrollWidth")).toBeLessThanOrEqual(360);
    await page.getByRole('button', { name: 'All steps' }).tap();
    expect(await page.locator('#detail').isVisible()).toBe(false);
  });

  test.each(['light', 'dark'] as const)('in %s every text has a contrast of 4.5 at least', async (colorScheme) => {
    const page = await show(sampleTrace(60), { ...desk, colorScheme });
    const dim: string[] = [];
    for (let i = 0; i < 24; i += 1) {
      dim.push(...(await page.evaluate<string[]>(contrasts)));
      await press(page, 'j');
    }
    expect([...new Set(dim)]).toEqual([]);
    const paper = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    expect(paper).toBe(colorScheme === 'light' ? 'rgb(247, 247, 244)' : 'rgb(17, 21, 27)');
  });

  test('says to a reader what it is: a tree with levels and places, and an active line that exists', async () => {
    const page = await show(sampleTrace(500));
    const tree = page.getByRole('tree', { name: 'Steps' });
    const active = page.locator(`#${await tree.getAttribute('aria-activedescendant')}`);
    expect(await active.count()).toBe(1);
    await page.evaluate("document.getElementById('tree').scrollTop = 1e6");
    await page.locator('#line-500').waitFor();
    expect(await active.count()).toBe(1); // also when it is out of sight
    const row = page.locator('#line-499');
    const said = await Promise.all(
      ['role', 'aria-level', 'aria-posinset', 'aria-setsize'].map((a) => row.getAttribute(a)),
    );
    expect(said).toEqual(['treeitem', '2', '8', '9']);
    expect(await page.locator('main, header, footer, [role=status]').count()).toBe(4);
  });

  test('5,000 steps are scrolled, searched and moved through with the lines in view alone', async () => {
    const from = performance.now();
    const page = await show(sampleTrace(5000));
    const loaded = performance.now() - from;
    const client = await page.context().newCDPSession(page);
    await client.send('Performance.enable');
    const scripting = async (): Promise<number> => {
      const { metrics } = await client.send('Performance.getMetrics');
      return (metrics.find(({ name }) => name === 'ScriptDuration')?.value ?? 0) * 1000;
    };
    const before = await scripting();
    const frames = await page.evaluate<number[]>(scrolls);
    const spent = (await scripting()) - before;
    expect(await page.locator('#line-5000').count()).toBe(1);
    expect(await page.locator('.row').count()).toBeLessThan(80);
    const searched = await page.evaluate<number>(
      "(() => { const s = document.getElementById('search'); s.value = 'output 4321'; const from = performance.now(); s.dispatchEvent(new Event('input')); return performance.now() - from; })()",
    );
    expect(await page.locator('#found').textContent()).toBe('1 of 5,000');
    const longest = Math.max(...frames);
    process.stdout.write(
      `trace page, 5,000 steps: loaded in ${loaded.toFixed(0)} ms; ${frames.length} frames of scrolling, ` +
        `${spent.toFixed(0)} ms of script, longest frame ${longest.toFixed(1)} ms; first search ${searched.toFixed(1)} ms\n`,
    );
  });
});
