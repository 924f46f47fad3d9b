package wheelhouse.tools_test

import data.wheelhouse.tools

tenant := "0f0e3f6c-4a52-4d0b-9a53-3d2c7a0b3f10"

call := {
	"tenant": tenant,
	"principal": {"id": "p1", "kind": "agent", "scopes": ["tools:read", "tools:write", "tools:external"]},
	"agent": {"id": "a1", "grants": [{"tool": "logs.search", "effect": "ALLOW"}]},
	"tool": {"name": "logs.search", "effect": "read", "scope": "tools:read"},
	"args": {"query": "error"},
	"target": null,
	"run": {"id": "r1", "ticket": "t1"},
	"approval": null,
	"risk": 0.1,
}

with_parts(parts) := object.union(call, parts)

# What is decided, and with which codes.
outcome(parts) := outcome_of(with_parts(parts))

outcome_of(document) := [r.decision, [reason.code | some reason in r.reasons]] if {
	r := tools.result with input as document
}

with_grants(grants) := {"agent": {"id": "a1", "grants": grants}}

publish(approval) := {
	"agent": {"id": "a1", "grants": [{"tool": "site.publish", "effect": "ALLOW"}]},
	"tool": {"name": "site.publish", "effect": "external", "scope": "tools:external"},
	"approval": approval,
}

# --- grants

test_granted_tool_is_allowed if outcome({}) == ["allow", ["granted"]]

test_result_names_its_policy if {
	r := tools.result with input as call
	r.policy_id == "wheelhouse.tools"
}

test_tool_without_grant_is_denied if outcome(with_grants([])) == ["deny", ["tool_not_granted"]]

test_grant_of_another_tool_is_none if {
	outcome(with_grants([{"tool": "logs.read", "effect": "ALLOW"}])) == ["deny", ["tool_not_granted"]]
}

test_star_grants_every_tool if {
	outcome(with_grants([{"tool": "*", "effect": "ALLOW"}])) == ["allow", ["granted"]]
}

test_denial_wins_over_grant if {
	both := [{"tool": "logs.search", "effect": "ALLOW"}, {"tool": "logs.search", "effect": "DENY"}]
	outcome(with_grants(both)) == ["deny", ["tool_denied"]]
}

test_denial_of_one_wins_over_grant_of_all if {
	both := [{"tool": "*", "effect": "ALLOW"}, {"tool": "logs.search", "effect": "DENY"}]
	outcome(with_grants(both)) == ["deny", ["tool_denied"]]
}

test_denial_of_all_wins_over_grant_of_one if {
	both := [{"tool": "logs.search", "effect": "ALLOW"}, {"tool": "*", "effect": "DENY"}]
	outcome(with_grants(both)) == ["deny", ["tool_denied"]]
}

test_denial_of_another_tool_does_not_matter if {
	both := [{"tool": "logs.search", "effect": "ALLOW"}, {"tool": "site.publish", "effect": "DENY"}]
	outcome(with_grants(both)) == ["allow", ["granted"]]
}

test_unknown_effect_of_a_grant_is_denied if {
	odd := [{"tool": "logs.search", "effect": "ALLOW"}, {"tool": "logs.search", "effect": "allow"}]
	outcome(with_grants(odd)) == ["deny", ["grant_malformed"]]
}

# --- scopes

test_missing_scope_is_denied if {
	outcome({"principal": {"scopes": ["tools:write"]}}) == ["deny", ["scope_missing"]]
}

test_every_scope_is_enough if outcome({"principal": {"scopes": ["*"]}}) == ["allow", ["granted"]]

test_tool_without_scope_needs_none if {
	outcome({"tool": {"scope": null}, "principal": {"scopes": []}}) == ["allow", ["granted"]]
}

# --- external effects

test_write_needs_no_approval if outcome({"tool": {"effect": "write"}}) == ["allow", ["granted"]]

test_external_effect_escalates if outcome(publish(null)) == ["escalate", ["approval_required"]]

test_external_effect_with_approval_is_allowed if {
	outcome(publish({"sealed": true, "valid": true})) == ["allow", ["granted"]]
}

test_approval_that_is_not_sealed_is_none if {
	outcome(publish({"sealed": false, "valid": true})) == ["escalate", ["approval_required"]]
}

test_approval_that_is_no_longer_valid_is_none if {
	outcome(publish({"sealed": true, "valid": false})) == ["escalate", ["approval_required"]]
}

test_approval_without_its_fields_is_none if outcome(publish({})) == ["escalate", ["approval_required"]]

test_approval_does_not_replace_a_grant if {
	parts := object.union(publish({"sealed": true, "valid": true}), with_grants([]))
	outcome(parts) == ["deny", ["tool_not_granted"]]
}

test_denial_outweighs_escalation if {
	parts := object.union(publish(null), with_grants([{"tool": "site.publish", "effect": "DENY"}]))
	outcome(parts) == ["deny", ["tool_denied", "tool_not_granted"]]
}

# --- foreign tenants and tickets

test_own_tenant_may_be_named if {
	outcome({"args": {"tenant_id": upper(tenant), "ticket_id": "T1"}}) == ["allow", ["granted"]]
}

test_foreign_tenant_is_denied if outcome({"args": {"tenant_id": "other"}}) == ["deny", ["foreign_tenant"]]

test_every_form_of_a_foreign_tenant_is_denied if {
	forms := [
		{"filter": [{"Tenant": "other"}]},
		{"tenant": {"id": "other"}},
		{"tenant_ids": [tenant, "other"]},
		[{"tenantId": "other"}],
	]
	every args in forms {
		outcome_of(object.union(object.remove(call, ["args"]), {"args": args})) == ["deny", ["foreign_tenant"]]
	}
}

test_foreign_tenant_in_the_target_is_denied if {
	outcome({"target": {"tenant": "other"}}) == ["deny", ["foreign_tenant"]]
}

test_foreign_tenant_is_found_without_run_and_target if {
	document := object.union(object.remove(call, ["target"]), {"run": null, "args": {"tenant": "other"}})
	outcome_of(document) == ["deny", ["foreign_tenant"]]
}

test_foreign_ticket_is_denied if outcome({"args": {"ticket_id": "t2"}}) == ["deny", ["foreign_ticket"]]

test_ticket_numbers_are_compared if {
	outcome({"run": {"ticket": 42}, "args": {"ticket": "42"}}) == ["allow", ["granted"]]
	outcome({"run": {"ticket": "42"}, "args": {"ticket": {"id": 42}}}) == ["allow", ["granted"]]
	outcome({"run": {"ticket": 42}, "args": {"tickets": [42, 43]}}) == ["deny", ["foreign_ticket"]]
}

test_without_a_ticket_none_is_foreign if {
	outcome({"run": {"ticket": null}, "args": {"ticket_id": "t2"}}) == ["allow", ["granted"]]
}

test_text_that_mentions_a_ticket_is_data if {
	outcome({"args": {"query": "ticket_id: t2", "tickets_per_page": 5}}) == ["allow", ["granted"]]
}

test_arguments_may_be_bare_text if {
	document := object.union(object.remove(call, ["args"]), {"args": "error"})
	outcome_of(document) == ["allow", ["granted"]]
}

# --- risk

test_high_risk_escalates if outcome({"risk": 0.7}) == ["escalate", ["risk_needs_approval"]]

test_high_risk_with_approval_is_allowed if {
	outcome({"risk": 0.7, "approval": {"sealed": true, "valid": true}}) == ["allow", ["granted"]]
}

test_highest_risk_is_denied_even_with_approval if {
	outcome({"risk": 0.95, "approval": {"sealed": true, "valid": true}}) == ["deny", ["risk_too_high"]]
}

# --- calls that are not fully described

test_empty_input_is_denied if {
	outcome_of({}) == ["deny", ["input_malformed", "scope_missing", "tool_not_granted"]]
}

test_every_part_is_needed if {
	every part in ["tenant", "principal", "agent", "tool", "args", "run", "risk"] {
		r := tools.result with input as object.remove(call, [part])
		r.decision == "deny"
		"input_malformed" in {reason.code | some reason in r.reasons}
	}
}

test_ill_typed_parts_are_denied if {
	ill_typed := [
		{"tenant": ""},
		{"principal": {"kind": 1}},
		{"agent": {"id": ""}},
		{"tool": {"effect": "delete"}},
		{"tool": {"scope": ""}},
		{"run": {"id": null}},
		{"run": {"ticket": true}},
		{"risk": "0.1"},
		{"risk": -0.1},
		{"risk": 1.1},
		{"args": null},
	]
	every parts in ill_typed {
		r := tools.result with input as with_parts(parts)
		r.decision == "deny"
		"input_malformed" in {reason.code | some reason in r.reasons}
	}
}
