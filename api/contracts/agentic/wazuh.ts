import { z } from 'zod';
import { operation } from '../../operation';
import { byId, intId, wholeOr } from '../shapes';

const tag = 'Agents';

/** What every answer that a lease paid for says of it; the secret is not among it. */
const under = {
  agent_id: z.int(),
  lease_id: z.int(),
  credential_ref: z.string().describe('A name for the secret, never the secret'),
  secret_values_returned: z.literal(false),
  broker_trace: z.object({
    decision: z.literal('allow'),
    reason: z.string(),
    scope: z.string().describe('system/resource_type/resource_id/action of the lease'),
    audited: z.literal(true),
    secret_values_returned: z.literal(false),
  }),
};
const items = z.object({
  affected_items: z.array(z.record(z.string(), z.unknown())),
  total_affected_items: z.int(),
});

const Address = z
  .union([z.ipv4(), z.ipv6()], 'must be an IP address')
  .describe('data.srcip, srcip, source.ip or agent.ip of an alert');
const errors = ['NotFound', 'Forbidden', 'BadGateway'] as const;

export const wazuh = {
  wazuhStatus: operation({
    route: 'GET /api/agents/:agent_id/wazuh/manager/status',
    tag,
    summary:
      "How the processes of Wazuh's manager are, under an active lease wazuh/api/wazuh.manager/read of the agent",
    access: 'agents:read',
    params: byId('agent_id'),
    output: z.object({ ...under, data: items }),
    errors,
  }),
  wazuhRule: operation({
    route: 'GET /api/agents/:agent_id/wazuh/rules/:rule_id',
    tag,
    summary: 'A rule of Wazuh, under the same lease',
    access: 'agents:read',
    params: z.object({ agent_id: intId, rule_id: intId }),
    output: z.object({ ...under, rule_id: z.int(), data: items }),
    errors,
  }),
  wazuhAlerts: operation({
    route: 'GET /api/agents/:agent_id/wazuh/alerts/search',
    tag,
    summary:
      "Alerts of Wazuh's indexer, newest first, under an active lease wazuh/alert_index/NAME/read, or the manager's, of the agent",
    access: 'agents:read',
    params: byId('agent_id'),
    query: z.object({ rule_id: intId.optional(), source_ip: Address.optional(), limit: wholeOr(10, 1, 50) }),
    output: z.object({
      ...under,
      query: z.object({
        index: z.string(),
        rule_id: z.int().nullable(),
        source_ip: z.string().nullable(),
        limit: z.int(),
      }),
      data: z.object({
        total: z.int(),
        alerts: z.array(
          z.object({
            id: z.string(),
            index: z.string(),
            score: z.number().nullable(),
            source: z.record(z.string(), z.unknown()),
          }),
        ),
      }),
    }),
    errors,
  }),
};
