import type { Gate } from '../../domain/gate';
import { slugPattern } from './publish';

/** What people approved to have published. */
export interface ApprovedSite {
  slug: string;
  /** Of the tree, where the change named one: no other is published. */
  digest: string | null;
}

const verbs = new Set(['deploy', 'deployment', 'publish', 'publication', 'publishing']);
const things = new Set(['static', 'site', 'website', 'web', 'page', 'pages', 'html', 'a', 'the', 'to', 'dashboard']);

/** `publish_static_site`, `deploy`, `deploy-web-page`; `deploy_database` is about something else. */
function publishes(action: string): boolean {
  const words = action.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return words.some((w) => verbs.has(w)) && words.every((w) => verbs.has(w) || things.has(w));
}

/** `hello`, `/published/hello/`, `https://ops.example/published/hello/` */
const addressed = /^(?:https?:\/\/[^/\s]{1,253})?\/published\/([^/\s]{1,63})\/?$/;

/** What the change is about, where it is about a site: an approval is good for that address, and nothing else. */
export function approvedSite(gate: Pick<Gate, 'action' | 'target' | 'approvalPolicy'>): ApprovedSite | null {
  if (!publishes(gate.action)) return null;
  const target = gate.target.trim();
  const slug = addressed.exec(target)?.[1] ?? target;
  if (!slugPattern.test(slug)) return null;
  const named = gate.approvalPolicy['digest'] ?? null;
  if (named === null) return { slug, digest: null };
  return { slug, digest: typeof named === 'string' ? named.replace(/^sha256:/, '') : 'none that can be read' };
}
