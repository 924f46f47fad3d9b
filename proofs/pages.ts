import { attack } from './pages/attack';
import { chromiumPath, openPages } from './pages/browser';
import type { Proof } from './proof';

/** T11: what is stored is shown as it is, and never runs. Counted in payloads. */
export const pages: Proof = {
  title: 'Payloads in every stored text of a page: nothing runs, nothing is asked for, the policy has nothing to stop',
  quick: 250,
  lacks: () => (chromiumPath() === null ? 'there is no chromium: set CHROMIUM_PATH' : null),
  run: async ({ count }) => {
    const open = await openPages();
    try {
      const { violations, ...figures } = await attack(open, count);
      return { figures: { ...figures, browser: open.browser.version() }, violations };
    } finally {
      await open.close();
    }
  },
};
