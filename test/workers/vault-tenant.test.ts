import type { Config } from '../../config';
import { warnOfSharedVault } from '../../workers/deps';

test("a vault that is every tenant's is told of where there are several, and nowhere else", async () => {
  const said = async (tenant: string | null | undefined, tenants: number): Promise<string[]> => {
    const lines: string[] = [];
    const vault = tenant === undefined ? null : ({ tenant } as Config['vault']);
    const store = { tenants: () => Promise.resolve(Array.from({ length: tenants }, (_, i) => String(i))) };
    await warnOfSharedVault({ vault }, store, { warn: (_: unknown, text: string) => void lines.push(text) } as never);
    return lines;
  };
  expect(await said(null, 2)).toEqual([expect.stringContaining('VAULT_TENANT is not set')]);
  expect(await said(null, 1)).toEqual([]);
  expect(await said('local', 2)).toEqual([]);
  expect(await said(undefined, 2)).toEqual([]);
});
