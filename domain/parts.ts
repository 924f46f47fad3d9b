/** The parts that an installation may have beside its tool servers: rows of every tenant (migrations/000034_tool_servers.sql). */
export const partNames = ['built-in', 'postgres', 'temporal', 'itop', 'model', 'credentials', 'wazuh'] as const;
export type PartName = (typeof partNames)[number];

export interface Place {
  host: string | null;
  port: number | null;
}
/** What of the configuration says where the parts are. */
export interface PartSettings {
  databaseUrl: string | null;
  temporalAddress: string | null;
  itop: { url: string; tenant: string } | null;
  opsAgentModel: { url: string } | null;
  credentialProvider: { url: string } | null;
  wazuh: { tenant: string; manager: { url: string } | null; indexer: { url: string } | null } | null;
}

const usualPorts: Record<string, number> = { 'http:': 80, 'https:': 443, 'postgres:': 5432, 'postgresql:': 5432 };

/** Of a URL, and nothing else that stands in it. */
export function placeOf(url: string): Place {
  const { hostname, port, protocol } = new URL(url);
  return { host: hostname || null, port: port ? Number(port) : (usualPorts[protocol] ?? null) };
}

/** The parts that this tenant has here, and where each is. */
export function placesOf(s: PartSettings, slug: string): ReadonlyMap<PartName, Place> {
  const here: Place = { host: null, port: null };
  const of = (found: { url: string; tenant?: string } | null | undefined): Place | null =>
    found && (found.tenant === undefined || found.tenant === slug) ? placeOf(found.url) : null;
  const wazuh = s.wazuh?.manager ?? s.wazuh?.indexer;
  const places: Record<PartName, Place | null> = {
    'built-in': here,
    postgres: s.databaseUrl === null ? here : placeOf(s.databaseUrl),
    temporal: s.temporalAddress === null ? here : placeOf(`http://${s.temporalAddress}`),
    itop: of(s.itop),
    model: of(s.opsAgentModel),
    credentials: of(s.credentialProvider),
    wazuh: of(wazuh && s.wazuh && { url: wazuh.url, tenant: s.wazuh.tenant }),
  };
  return new Map(partNames.flatMap((name) => (places[name] ? [[name, places[name]] as const] : [])));
}

export const isPart = (name: string): name is PartName => partNames.some((n) => n === name);
