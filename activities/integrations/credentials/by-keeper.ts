import type { CredentialProvider } from '../../../domain/credentials';

export interface Keepers {
  /** By the name that a lease's row remembers. */
  known: Readonly<Record<string, CredentialProvider>>;
  /** Who is asked for a tenant's new credentials. */
  current: (tenantId: string) => Promise<string> | string;
}

/** Who granted a lease takes it back, whoever is asked for new ones by then. */
export function byKeeper({ known, current }: Keepers): CredentialProvider {
  const of = async (keptBy: string | null, tenantId: string): Promise<CredentialProvider> => {
    const name = keptBy ?? (await current(tenantId));
    const provider = known[name];
    if (!provider) throw new Error(`the lease is kept by ${name}, which is not configured any more`);
    return provider;
  };
  return {
    keeper: current,
    grant: async (ask) => (await of(ask.keptBy, ask.tenantId)).grant(ask),
    revoke: async (ask) => (await of(ask.keptBy, ask.tenantId)).revoke(ask),
  };
}
