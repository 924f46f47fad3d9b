"""Everything over one connection."""

from __future__ import annotations

from functools import cached_property

from .connection import Connection
from .operations import Audit, Execution, Gates, Investigations, Runs, Tickets
from .orchestration import Agents, Tasks, Workflows


class Client(Connection):
    __doc__ = Connection.__doc__

    @cached_property
    def agents(self) -> Agents:
        return Agents(self)

    @cached_property
    def tasks(self) -> Tasks:
        return Tasks(self)

    @cached_property
    def workflows(self) -> Workflows:
        return Workflows(self)

    @cached_property
    def tickets(self) -> Tickets:
        return Tickets(self)

    @cached_property
    def runs(self) -> Runs:
        return Runs(self)

    @cached_property
    def gates(self) -> Gates:
        return Gates(self)

    @cached_property
    def investigations(self) -> Investigations:
        return Investigations(self)

    @cached_property
    def audit(self) -> Audit:
        return Audit(self)

    @cached_property
    def execution(self) -> Execution:
        return Execution(self)
