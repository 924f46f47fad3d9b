import type { Page } from '../listing.js';

/** Asks for page after page by `limit` and `offset`, until as many are seen as there are. */
export const offsets =
  <T>(ask: (page: { limit: number; offset: number }) => Promise<{ items: T[]; total: number }>, limit = 100) =>
  async (at: unknown): Promise<Page<T>> => {
    const offset = typeof at === 'number' ? at : 0;
    const { items, total } = await ask({ limit: Number(limit), offset });
    const seen = offset + items.length;
    return { items, total, next: items.length > 0 && seen < total ? seen : null };
  };
