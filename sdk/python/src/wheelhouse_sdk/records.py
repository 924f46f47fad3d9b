"""What the server answers: JSON objects whose members are attributes as well."""

from __future__ import annotations

from typing import Any, Dict, Generic, List, Optional, TypeVar


class Record(Dict[str, Any]):
    """A JSON object: ``task["status"]`` and ``task.status`` are the same. What a newer server adds is there too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the server gave no {name}") from None


R = TypeVar("R", bound=Record)


class Page(List[R], Generic[R]):
    """One page of a list. ``total`` counts all pages; None where the server does not count."""

    def __init__(self, items: List[R], total: Optional[int] = None) -> None:
        super().__init__(items)
        self.total = total


class Agent(Record):
    """``status``: initializing, active, inactive or error."""

    id: str
    name: str
    type: str
    status: str
    created_at: str


class Task(Record):
    """``status``: pending, running, completed or failed. ``progress``: 0 to 100."""

    id: str
    agent_id: str
    type: str
    status: str
    priority: str
    progress: float
    result: Optional[Dict[str, Any]]
    error: Optional[str]
    created_at: str
    started_at: Optional[str]
    completed_at: Optional[str]

    @property
    def ended(self) -> bool:
        return self.status in ("completed", "failed")


class Workflow(Record):
    id: str
    name: str
    status: str
    steps: List[Dict[str, Any]]


class Ticket(Record):
    id: int
    title: str
    status: str
    priority: str


class Run(Record):
    """An agent at work on a ticket."""

    id: int
    status: str
    ticket_id: int


class Gate(Record):
    """What waits for people: a change request. ``status``: pending, approved, rejected, expired or completed."""

    id: int
    status: str
    action: str
    target: str


class Investigation(Record):
    investigation_id: str
    status: str


class Recommendation(Record):
    recommendation_id: str
    severity: str


class LogEntry(Record):
    id: str
    action: str
