# METADATA
# title: Tool calls
# description: |
#   Decides on one tool call of one agent. Nothing is allowed that no rule allows: `deny` and `escalate` collect reasons,
#   one denial outweighs every escalation, one escalation every grant. A call that is not fully described is denied.
package wheelhouse.tools

# METADATA
# description: What the pipeline reads.
# entrypoint: true
result := {
	"decision": decision,
	"reasons": reasons[decision],
	"policy_id": "wheelhouse.tools",
}

default decision := "deny"

decision := "escalate" if {
	count(deny) == 0
	count(escalate) > 0
}

decision := "allow" if {
	count(deny) == 0
	count(escalate) == 0
	granted
}

reasons := {
	"deny": sort(deny | undecided),
	"escalate": sort(escalate),
	"allow": [{"code": "granted", "message": "the agent holds a grant for this tool"}],
}

# Never reached while the rules below are complete; kept so that a denial always says something.
undecided contains {"code": "not_allowed", "message": "no rule allows this call"} if count(deny) == 0

# --- what a call must say -------------------------------------------------------------------------------------------

effects := {"read", "write", "external"}

well_formed if {
	is_text(input.tenant)
	is_text(input.principal.id)
	is_text(input.principal.kind)
	is_array(input.principal.scopes)
	is_text(input.agent.id)
	is_array(input.agent.grants)
	is_text(input.tool.name)
	input.tool.effect in effects
	scope_named
	run_named
	input.args != null
	is_number(input.risk)
	input.risk >= 0
	input.risk <= 1
}

is_text(value) if {
	is_string(value)
	value != ""
}

scope_named if input.tool.scope == null

scope_named if is_text(input.tool.scope)

run_named if input.run == null

run_named if {
	is_text(input.run.id)
	is_text_number_or_null(input.run.ticket)
}

is_text_number_or_null(value) if is_text(value)

is_text_number_or_null(value) if is_number(value)

is_text_number_or_null(value) if value == null

deny contains {"code": "input_malformed", "message": "the call is not fully described"} if not well_formed

# --- grants: an ALLOW is needed, a DENY wins, `*` stands for every tool ------------------------------------------------

grant_effects contains grant.effect if {
	some grant in input.agent.grants
	grant.tool in {input.tool.name, "*"}
}

granted if grant_effects == {"ALLOW"}

deny contains {"code": "tool_not_granted", "message": "no allow permission found for tool"} if not "ALLOW" in grant_effects

deny contains {"code": "tool_denied", "message": "a DENY grant covers this tool"} if "DENY" in grant_effects

deny contains {"code": "grant_malformed", "message": "a grant for this tool is neither ALLOW nor DENY"} if {
	count(grant_effects - {"ALLOW", "DENY"}) > 0
}

# --- the right of the caller -----------------------------------------------------------------------------------------

scope_held if input.tool.scope == null

scope_held if input.tool.scope in input.principal.scopes

scope_held if "*" in input.principal.scopes

deny contains {"code": "scope_missing", "message": "the principal lacks the scope of this tool"} if not scope_held

# --- effects outside the house wait for a person -----------------------------------------------------------------------

approved if {
	input.approval.sealed == true
	input.approval.valid == true
}

escalate contains {"code": "approval_required", "message": "an external effect needs a sealed approval"} if {
	input.tool.effect == "external"
	not approved
}

# --- a call may only name its own tenant and ticket ----------------------------------------------------------------------

naming_keys := {
	"tenant": "tenant",
	"tenants": "tenant",
	"tenant_id": "tenant",
	"tenantid": "tenant",
	"tenant_ids": "tenant",
	"ticket": "ticket",
	"tickets": "ticket",
	"ticket_id": "ticket",
	"ticketid": "ticket",
	"ticket_ids": "ticket",
}

# What the arguments and the target name: `ticket_id: 7`, `ticket: {id: 7}` and `ticket_ids: [7]` all name a ticket.
named contains [what, text(value)] if {
	walk([input.args, object.get(input, "target", null)], [path, value])
	what := naming_keys[lower(naming_part(path))]
}

naming_part(path) := path[count(path) - 1] if {
	is_string(path[count(path) - 1])
	lower(path[count(path) - 1]) != "id"
}

naming_part(path) := path[count(path) - 2] if {
	not is_string(path[count(path) - 1])
	is_string(path[count(path) - 2])
}

naming_part(path) := path[count(path) - 2] if {
	lower(path[count(path) - 1]) == "id"
	is_string(path[count(path) - 2])
}

deny contains {"code": "foreign_tenant", "message": "the arguments name another tenant"} if {
	some ["tenant", name] in named
	name != text(input.tenant)
}

deny contains {"code": "foreign_ticket", "message": "the arguments name another ticket"} if {
	some ["ticket", name] in named
	name != text(input.run.ticket)
}

text(value) := lower(value) if is_string(value)

text(value) := json.marshal(value) if is_number(value)

# --- what screening thinks of it ------------------------------------------------------------------------------------------

deny contains {"code": "risk_too_high", "message": "the risk of this call is 0.95 or more"} if input.risk >= 0.95

escalate contains {"code": "risk_needs_approval", "message": "the risk of this call is 0.70 or more"} if {
	input.risk >= 0.7
	not approved
}
