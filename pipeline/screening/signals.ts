/** What screening and the behaviour stage can find, as data: one row a signal. */

/** The closed list that clients know: the canonical names come first in every answer, finer signal ids after them. */
export const FINDINGS = [
  'policy_deny',
  'autonomy_denied_action',
  'autonomy_max_cost_exceeded',
  'autonomy_max_runtime_exceeded',
  'path_traversal_detected',
  'prompt_injection_detected',
  'sql_injection_detected',
  'data_exfiltration_detected',
  'anomalous_behavior_detected',
  'approval_required',
  'behavior_degraded_blocked',
  'behavior_degraded_fail_open',
  'behavior_degraded_low_risk_allowed',
  'inference_proxy_blocked',
] as const;

export type Finding = (typeof FINDINGS)[number];

/** What a signal asks for by itself; `quarantine` denies and is for the state of the agent to act on. */
export type Response = 'monitor' | 'escalate' | 'deny' | 'quarantine';

export interface SignalDefinition {
  /** Inherent risk, 0..100. */
  score: number;
  response: Response;
  /** ATT&CK, or ATLAS where it begins with AML. */
  technique: string;
}

const signal = (score: number, response: Response, technique: string): SignalDefinition => ({
  score,
  response,
  technique,
});

export const SIGNALS = {
  // The published table.
  sql_injection_detected: signal(95, 'deny', 'T1190'),
  ssrf_local_file: signal(95, 'deny', 'T1083'),
  ssrf_cloud_metadata: signal(95, 'deny', 'T1552.005'),
  ssrf_internal_network: signal(95, 'deny', 'T1190'),
  credential_artifact_write: signal(75, 'deny', 'T1098.004'),
  privilege_escalation_attempt: signal(95, 'deny', 'T1098.001'),
  identity_table_write: signal(60, 'escalate', 'T1136.001'),
  privilege_url_access: signal(60, 'escalate', 'T1098'),
  aegis_control_plane_write: signal(95, 'deny', 'T1070.002'),
  aegis_control_plane_destructive_ddl: signal(100, 'quarantine', 'T1485'),
  cloud_credential_path: signal(95, 'deny', 'T1552.001'),
  ssh_credential_path: signal(95, 'deny', 'T1552.004'),
  system_sensitive_path: signal(95, 'deny', 'T1552.001'),
  schema_recon: signal(10, 'monitor', 'T1087'),
  external_get: signal(5, 'monitor', 'T1133'),
  bulk_pii_egress_above_threshold: signal(50, 'escalate', 'T1213'),
  bulk_pii_egress_dump: signal(95, 'deny', 'T1213'),
  compression_for_exfil: signal(35, 'monitor', 'T1560'),
  compression_observed: signal(20, 'monitor', 'T1560'),
  external_pii_exfil: signal(95, 'deny', 'T1567.002'),
  external_post_pii_unknown_dest: signal(60, 'escalate', 'T1567'),
  known_exfil_destination: signal(80, 'deny', 'T1567.002'),
  destructive_sql_ddl: signal(95, 'deny', 'T1485'),
  destructive_sql_dml_no_predicate: signal(90, 'deny', 'T1565.001'),
  destructive_shell_command: signal(95, 'deny', 'T1485'),
  k8s_destruction_prod: signal(90, 'deny', 'T1485'),
  k8s_destruction: signal(55, 'escalate', 'T1485'),
  k8s_prod_namespace_destruction: signal(60, 'escalate', 'T1485'),
  iac_destruction_prod: signal(90, 'deny', 'T1485'),
  iac_destruction: signal(55, 'escalate', 'T1485'),
  money_transfer_above_hard_cap: signal(95, 'deny', 'T1657'),
  money_transfer_external: signal(50, 'escalate', 'T1657'),
  credential_in_message_body: signal(75, 'deny', 'T1567'),
  // The same table, for the behaviour stage, which keeps the state that they need.
  behavior_baseline_drift: signal(30, 'escalate', 'T1078'),
  known_exfil_destination_hit: signal(5, 'monitor', 'T1567.002'),
  slow_exfil_cumulative_threshold_breached: signal(45, 'escalate', 'T1029'),
  long_window_cumulative_breach: signal(70, 'deny', 'T1029'),
  attack_chain_match: signal(100, 'quarantine', 'T1020'),
  cross_agent_kill_chain: signal(100, 'quarantine', 'T1020'),
  // Our own, for what the table has no name for.
  instruction_override: signal(85, 'deny', 'AML.T0051'),
  role_marker_in_content: signal(85, 'deny', 'AML.T0051'),
  system_prompt_extraction: signal(80, 'deny', 'AML.T0056'),
  memory_poisoning: signal(80, 'deny', 'AML.T0020'),
  jailbreak_persona: signal(85, 'deny', 'AML.T0054'),
  harmful_request: signal(80, 'deny', 'AML.T0054'),
  personal_data_request: signal(80, 'deny', 'T1213'),
  secret_disclosure_request: signal(85, 'deny', 'T1552'),
  active_content: signal(75, 'deny', 'T1059.007'),
  model_extraction: signal(80, 'deny', 'AML.T0024'),
  resource_exhaustion: signal(75, 'deny', 'T1499'),
  oversized_input: signal(70, 'deny', 'T1499'),
  fork_bomb: signal(95, 'deny', 'T1499.004'),
  runaway_loop: signal(75, 'deny', 'T1496'),
  mass_provisioning: signal(75, 'deny', 'T1496'),
  path_traversal: signal(90, 'deny', 'T1083'),
  remote_code_execution: signal(95, 'deny', 'T1059'),
  expression_injection: signal(90, 'deny', 'T1190'),
  security_control_tampering: signal(90, 'deny', 'T1562'),
  persistence_attempt: signal(85, 'deny', 'T1543'),
  secret_store_access: signal(80, 'deny', 'T1555'),
  public_exposure: signal(80, 'deny', 'T1530'),
  cluster_tampering: signal(75, 'deny', 'T1610'),
  data_upload: signal(80, 'deny', 'T1567'),
  suspicious_destination: signal(80, 'deny', 'T1567'),
  dns_tunnelling: signal(85, 'deny', 'T1071.004'),
  money_transfer_unattended: signal(70, 'deny', 'T1657'),
  irreversible_action: signal(70, 'deny', 'T1485'),
  oversight_bypass: signal(75, 'deny', 'T1562'),
  mass_messaging: signal(60, 'escalate', 'T1566'),
  // Of what a tool answered.
  injection_in_result: signal(60, 'monitor', 'AML.T0051'),
  personal_data_in_result: signal(30, 'monitor', 'T1213'),
  secret_in_result: signal(30, 'monitor', 'T1552'),
} as const satisfies Record<string, SignalDefinition>;

export type SignalId = keyof typeof SIGNALS;
