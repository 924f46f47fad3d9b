"""Everything over one connection."""

from __future__ import annotations

from functools import cached_property

from .connection import AsyncConnection
from .operations import AsyncAudit, AsyncExecution, AsyncGates, AsyncInvestigations, AsyncRuns, AsyncTickets
from .orchestration import AsyncAgents, AsyncTasks, AsyncWorkflows


class AsyncClient(AsyncConnection):
    __doc__ = AsyncConnection.__doc__

    @cached_property
    def agents(self) -> AsyncAgents:
        return AsyncAgents(self)

    @cached_property
    def tasks(self) -> AsyncTasks:
        return AsyncTasks(self)

    @cached_property
    def workflows(self) -> AsyncWorkflows:
        return AsyncWorkflows(self)

    @cached_property
    def tickets(self) -> AsyncTickets:
        return AsyncTickets(self)

    @cached_property
    def runs(self) -> AsyncRuns:
        return AsyncRuns(self)

    @cached_property
    def gates(self) -> AsyncGates:
        return AsyncGates(self)

    @cached_property
    def investigations(self) -> AsyncInvestigations:
        return AsyncInvestigations(self)

    @cached_property
    def audit(self) -> AsyncAudit:
        return AsyncAudit(self)

    @cached_property
    def execution(self) -> AsyncExecution:
        return AsyncExecution(self)
