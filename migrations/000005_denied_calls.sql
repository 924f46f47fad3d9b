-- Every governed call asks how often the agent was refused lately: without this it reads all recent calls of the tenant.
create index executions_refused on executions (tenant_id, agent_id, tool, started_at) where decision in ('deny', 'kill');
