import type { Page } from '../listing.js';

interface Answered<T> {
  data: T[];
  pagination: { page: number; pages: number; total: number };
}

/** Asks for page after page by its number. */
export const numbered =
  <T>(ask: (page: number) => Promise<Answered<T>>, first: unknown = 1) =>
  async (at: unknown): Promise<Page<T>> => {
    const { data, pagination } = await ask(Number(at ?? first));
    const { page, pages, total } = pagination;
    return { items: data, total, next: page < pages && data.length > 0 ? page + 1 : null };
  };
