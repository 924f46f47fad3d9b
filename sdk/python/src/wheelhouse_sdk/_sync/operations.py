"""Tickets, runs, gates, investigations, the log and governed calls."""

from __future__ import annotations

from typing import Any, Iterator, Dict, List, Mapping, Optional

from .._wire import without_none
from ..records import Gate, Investigation, LogEntry, Page, Recommendation, Record, Run, Ticket
from .connection import Group


class Tickets(Group):
    """The work that people see."""

    def list(self, **filter: Any) -> Page[Ticket]:
        """``status``, ``priority``, ``ticket_class``, ``q``, ``limit``, ``offset`` and what else the operation takes."""
        return self._offset_page("/api/tickets", "tickets", Ticket, filter)

    def iter(self, **filter: Any) -> Iterator[Ticket]:
        return self._offset_items("/api/tickets", "tickets", Ticket, filter)

    def get(self, ticket_id: int) -> Ticket:
        return Ticket(self._data("GET", "/api/tickets/{ticket_id}", path_params={"ticket_id": ticket_id}))

    def create(
        self,
        *,
        title: str,
        description: Optional[str] = None,
        priority: Optional[str] = None,
        auto_assign: Optional[bool] = None,
        idempotency_key: Optional[str] = None,
        **more: Any,
    ) -> Ticket:
        """An agent is assigned at once when an enabled rule says so; ``auto_assign=False`` leaves it to you."""
        said = {"title": title, "description": description, "priority": priority, "auto_assign": auto_assign, **more}
        return Ticket(self._data("POST", "/api/tickets", body=without_none(said), idempotency_key=idempotency_key))

    def add_note(self, ticket_id: int, body: str, **more: Any) -> Record:
        path = "/api/tickets/{ticket_id}/notes"
        return Record(self._data("POST", path, path_params={"ticket_id": ticket_id}, body={"body": body, **more}))

    def set_status(self, ticket_id: int, status: str, **more: Any) -> Record:
        path = "/api/tickets/{ticket_id}/status"
        return Record(self._data("POST", path, path_params={"ticket_id": ticket_id}, body={"status": status, **more}))

    def assign_agent(self, ticket_id: int, **work: Any) -> Record:
        """Sets an agent to work on it. Raises ConflictError when one works on it already."""
        path = "/api/tickets/{ticket_id}/assign-agent"
        return Record(self._data("POST", path, path_params={"ticket_id": ticket_id}, body=work))


class Runs(Group):
    """Agents at work: each is one run of an agent on a ticket."""

    def list(self, **filter: Any) -> Page[Run]:
        return self._offset_page("/api/agents", "agents", Run, filter)

    def iter(self, **filter: Any) -> Iterator[Run]:
        return self._offset_items("/api/agents", "agents", Run, filter)

    def get(self, run_id: int) -> Run:
        return Run(self._data("GET", "/api/agents/{agent_id}", path_params={"agent_id": run_id}))

    def start(self, **run: Any) -> Record:
        """Sets an agent to work on a ticket that is there: ``ticket_id``, and what else the operation takes."""
        return Record(self._data("POST", "/api/agents/spawn", body=run))

    def steer(self, run_id: int, text: str) -> Record:
        """Tells the agent something: a note on its ticket, which it hears before its next step."""
        run = self.get(run_id)
        path = "/api/tickets/{ticket_id}/notes"
        body = {"body": text, "source": "dashboard", "agent_id": run_id}
        return Record(self._data("POST", path, path_params={"ticket_id": run.ticket_id}, body=body))

    def stop(self, run_id: int, reason: Optional[str] = None) -> Record:
        path = "/api/agents/{agent_id}/stop"
        return Record(self._data("POST", path, path_params={"agent_id": run_id}, body=without_none({"reason": reason})))


class Gates(Group):
    """What waits for people, and their decisions: change requests."""

    def list(self, **filter: Any) -> Page[Gate]:
        return self._offset_page("/api/changes", "changes", Gate, filter)

    def iter(self, **filter: Any) -> Iterator[Gate]:
        return self._offset_items("/api/changes", "changes", Gate, filter)

    def pending(self) -> List[Gate]:
        """Those that wait for a decision, oldest first."""
        return [Gate(gate) for gate in (self._data("GET", "/api/changes/pending"))["changes"]]

    def get(self, change_id: int) -> Gate:
        return Gate(self._data("GET", "/api/changes/{change_id}", path_params={"change_id": change_id}))

    def request(self, **change: Any) -> Record:
        """Asks people to decide: ``ticket_id``, ``action``, ``target`` and what else the operation takes."""
        return Record(self._data("POST", "/api/changes/request", body=change))

    def approve(self, change_id: int, reason: Optional[str] = None) -> Record:
        """With a quorum: votes for it. Raises ConflictError when it was decided otherwise."""
        return self._decide("/api/changes/{change_id}/approve", change_id, {"reason": reason})

    def reject(self, change_id: int, reason: Optional[str] = None) -> Record:
        """With a quorum: votes against it. Raises as approve does."""
        return self._decide("/api/changes/{change_id}/reject", change_id, {"reason": reason})

    def complete(self, change_id: int, result: str) -> Record:
        """Says what was done of an approved one."""
        return self._decide("/api/changes/{change_id}/complete", change_id, {"result": result})

    def _decide(self, path: str, change_id: int, said: Mapping[str, Any]) -> Record:
        return Record(self._data("POST", path, path_params={"change_id": change_id}, body=without_none(said)))


class Investigations(Group):
    """Findings that rest on evidence."""

    def list(self, **filter: Any) -> Page[Investigation]:
        return self._offset_page("/api/v1/ops-agent/investigations", "items", Investigation, filter)

    def iter(self, **filter: Any) -> Iterator[Investigation]:
        return self._offset_items("/api/v1/ops-agent/investigations", "items", Investigation, filter)

    def get(self, investigation_id: str) -> Investigation:
        path = "/api/v1/ops-agent/investigations/{id}"
        return Investigation(self._data("GET", path, path_params={"id": investigation_id}))

    def run(self, **subject: Any) -> Investigation:
        """Starts one, of a ``transaction_id`` or of a ``ticket_id``; it goes on by itself."""
        return Investigation(self._data("POST", "/api/v1/ops-agent/investigations/run", body=subject))

    def resume(self, investigation_id: str) -> Investigation:
        """Lets one that failed, timed out or was interrupted go on."""
        path = "/api/v1/ops-agent/investigations/{id}/resume"
        return Investigation(self._data("POST", path, path_params={"id": investigation_id}))

    def recommendations(self, **filter: Any) -> Iterator[Recommendation]:
        """Open ones, the most severe and surest first."""
        cursor = None
        while True:
            query = {**filter, "cursor": cursor}
            answer = self._data("GET", "/api/v1/ops-agent/worklist/recommendations", query=query)
            for item in answer["items"]:
                yield Recommendation(item)
            cursor = answer["next_cursor"]
            if cursor is None:
                return

    def decide(self, recommendation_id: str, action: str, **more: Any) -> Record:
        """``action``: ACKNOWLEDGED or REJECTED. Raises ConflictError when it was decided before."""
        path = "/api/v1/ops-agent/worklist/recommendations/{id}/acknowledge"
        return Record(self._data("POST", path, path_params={"id": recommendation_id}, body={"action": action, **more}))


class Audit(Group):
    """What happened, provably."""

    def search(self, **search: Any) -> Page[LogEntry]:
        """One page, newest first."""
        found = self._data("POST", "/audit/logs/search", body=search)
        return Page([LogEntry(entry) for entry in found["items"]], found["total"])

    def iter(self, **search: Any) -> Iterator[LogEntry]:
        """All that the search finds, page by page as they are needed."""
        at = 0
        while True:
            page = self.search(**{**search, "offset": at})
            for entry in page:
                yield entry
            at += len(page)
            if not page or (page.total is not None and at >= page.total):
                return

    def verify(self, head: Optional[str] = None) -> Record:
        """Recomputes the whole log; a broken chain is an answer too. Keep its ``head``, and give it the next time."""
        return Record(self._data("GET", "/audit/logs/verify", query={"head": head}))

    def receipt(self, execution_id: str) -> Record:
        """The receipt of an execution, as it was signed."""
        return Record(self._data("GET", "/receipts/{id}", path_params={"id": execution_id}))


class Execution(Group):
    """Governed tool calls: decided on, and carried out when nothing speaks against it."""

    def run(
        self,
        tool: str,
        arguments: Optional[Mapping[str, Any]] = None,
        *,
        agent_id: Optional[str] = None,
        approval_id: Optional[str] = None,
        idempotency_key: Optional[str] = None,
    ) -> Record:
        """
        Gives what the tool answered, and what was decided. ``agent_id``: the agent that calls, a uuid; an agent's own
        credential names it already. Raises PermissionDeniedError when it was refused or waits for people: its ``body``
        has the decision, the reasons and the approval to wait for.
        """
        headers: Dict[str, str] = without_none({"X-Agent-ID": agent_id, "X-Aegis-Approval-ID": approval_id})
        body = {"tool_name": tool, "arguments": arguments or {}}
        return Record(
            self._data("POST", "/execute", body=body, headers=headers, idempotency_key=idempotency_key)
        )
