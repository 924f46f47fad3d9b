"""Agents, tasks and workflows: the door under ``/v1``."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Iterator, Callable, Dict, List, Mapping, Optional, Union

from .._sockets import PATIENCE, Socket, SocketUnavailable
from .._pauses import sleep
from .._wire import without_none
from ..records import Agent, Page, R, Record, Task, Workflow
from .connection import Group

Time = Union[str, datetime]


class Paged(Group):
    def _page(self, path: str, of: Callable[[Any], R], query: Mapping[str, Any]) -> Page[R]:
        answer = self._connection.request("GET", path, query=query)
        return Page([of(item) for item in answer["data"]], answer["pagination"]["total"])

    def _items(self, path: str, of: Callable[[Any], R], query: Mapping[str, Any]) -> Iterator[R]:
        number = 1
        while True:
            answer = self._connection.request("GET", path, query={**query, "page": number})
            for item in answer["data"]:
                yield of(item)
            if number >= answer["pagination"]["pages"]:
                return
            number += 1


class Agents(Paged):
    """Definitions of agents."""

    def list(
        self, *, status: Optional[str] = None, type: Optional[str] = None, page: Optional[int] = None, limit: Optional[int] = None
    ) -> Page[Agent]:
        """One page, newest first: 20 unless ``limit`` says how many, 100 at most."""
        return self._page("/v1/agents", Agent, {"status": status, "type": type, "page": page, "limit": limit})

    def iter(self, *, status: Optional[str] = None, type: Optional[str] = None, limit: int = 100) -> Iterator[Agent]:
        """All of them, page by page as they are needed."""
        return self._items("/v1/agents", Agent, {"status": status, "type": type, "limit": limit})

    def get(self, agent_id: str) -> Agent:
        return Agent(self._data("GET", "/v1/agents/{agent_id}", path_params={"agent_id": agent_id}))

    def create(
        self,
        *,
        name: str,
        type: str,
        configuration: Optional[Mapping[str, Any]] = None,
        environment: Optional[str] = None,
        idempotency_key: Optional[str] = None,
        **more: Any,
    ) -> Agent:
        body = without_none({"name": name, "type": type, "configuration": configuration, "environment": environment, **more})
        return Agent(self._data("POST", "/v1/agents", body=body, idempotency_key=idempotency_key))

    def update(self, agent_id: str, **changes: Any) -> Agent:
        """``name``, ``status`` and ``configuration``, which is merged into the one that stands."""
        return Agent(self._data("PUT", "/v1/agents/{agent_id}", path_params={"agent_id": agent_id}, body=changes))

    def delete(self, agent_id: str) -> Record:
        return Record(self._data("DELETE", "/v1/agents/{agent_id}", path_params={"agent_id": agent_id}))


class Tasks(Paged):
    """What agents are given to do."""

    def list(
        self,
        *,
        agent_id: Optional[str] = None,
        status: Optional[str] = None,
        priority: Optional[str] = None,
        created_after: Optional[Time] = None,
        created_before: Optional[Time] = None,
        page: Optional[int] = None,
        limit: Optional[int] = None,
    ) -> Page[Task]:
        """One page, newest first."""
        query = {"agent_id": agent_id, "status": status, "priority": priority, "page": page, "limit": limit}
        return self._page("/v1/tasks", Task, {**query, "created_after": created_after, "created_before": created_before})

    def iter(
        self,
        *,
        agent_id: Optional[str] = None,
        status: Optional[str] = None,
        priority: Optional[str] = None,
        created_after: Optional[Time] = None,
        created_before: Optional[Time] = None,
        limit: int = 100,
    ) -> Iterator[Task]:
        """All of them, page by page as they are needed."""
        query = {"agent_id": agent_id, "status": status, "priority": priority, "limit": limit}
        return self._items("/v1/tasks", Task, {**query, "created_after": created_after, "created_before": created_before})

    def create(
        self,
        *,
        agent_id: str,
        type: str,
        payload: Optional[Mapping[str, Any]] = None,
        priority: Optional[str] = None,
        schedule: Optional[Mapping[str, Any]] = None,
        idempotency_key: Optional[str] = None,
    ) -> Task:
        """``schedule``: ``{"type": "scheduled", "run_at": …}`` for later."""
        body = without_none(
            {"agent_id": agent_id, "type": type, "payload": payload, "priority": priority, "schedule": schedule}
        )
        return Task(self._data("POST", "/v1/tasks", body=body, idempotency_key=idempotency_key))

    def get(self, task_id: str) -> Task:
        return Task(self._data("GET", "/v1/tasks/{task_id}", path_params={"task_id": task_id}))

    def watch(self, task_id: str, *, poll_seconds: float = 2.0) -> Iterator[Task]:
        """
        The task as it is, and each time that it has changed, until it has ended. Told over a WebSocket where the package
        ``websockets`` is installed and the server can be reached by one; else it is asked for every ``poll_seconds``.
        """
        task = self.get(task_id)
        yield task
        socket = self._socket(task)
        # It may have moved before the socket could tell.
        look_now = socket is not None
        try:
            while not task.ended:
                if look_now:
                    look_now = False
                elif socket is None:
                    sleep(poll_seconds)
                else:
                    try:
                        # An event may be of another task of the agent: what counts is what the server says when asked.
                        socket.receive(poll_seconds * 5)
                    except SocketUnavailable:
                        socket.close()
                        socket = None
                seen = self.get(task_id)
                if seen != task:
                    task = seen
                    yield task
        finally:
            if socket is not None:
                socket.close()

    def _socket(self, task: Task) -> Optional[Socket]:
        """One that hears of the task's agent; None where there can be none."""
        if task.ended or self._connection.api_key is None:
            return None
        socket = None
        try:
            socket = Socket.open("ws" + self._connection.base_url[len("http") :] + "/v1/ws")
            socket.send({"type": "auth", "token": self._connection.api_key})
            self._told(socket, "auth_ok")
            socket.send({"type": "subscribe", "channel": "agent_events", "agent_id": task.agent_id})
            self._told(socket, "subscribed")
            return socket
        except SocketUnavailable:
            if socket is not None:
                socket.close()
            return None

    def _told(self, socket: Socket, wanted: str) -> None:
        said = socket.receive(PATIENCE)
        if said is None or said.get("type") != wanted:
            raise SocketUnavailable(f"the server did not say {wanted}")


class Workflows(Paged):
    """Steps in order, each a task of an agent of a type."""

    def list(self, *, page: Optional[int] = None, limit: Optional[int] = None) -> Page[Workflow]:
        return self._page("/v1/workflows", Workflow, {"page": page, "limit": limit})

    def iter(self, *, limit: int = 100) -> Iterator[Workflow]:
        return self._items("/v1/workflows", Workflow, {"limit": limit})

    def get(self, workflow_id: str) -> Workflow:
        return Workflow(self._data("GET", "/v1/workflows/{id}", path_params={"id": workflow_id}))

    def create(
        self,
        *,
        name: str,
        steps: List[Dict[str, Any]],
        description: Optional[str] = None,
        idempotency_key: Optional[str] = None,
        **more: Any,
    ) -> Workflow:
        body = without_none({"name": name, "description": description, "steps": steps, **more})
        return Workflow(self._data("POST", "/v1/workflows", body=body, idempotency_key=idempotency_key))

    def execute(
        self,
        workflow_id: str,
        *,
        parameters: Optional[Mapping[str, Any]] = None,
        priority: Optional[str] = None,
        idempotency_key: Optional[str] = None,
    ) -> Record:
        """Begins it, and does not wait for its end."""
        body = without_none({"parameters": parameters, "priority": priority})
        path = "/v1/workflows/{id}/execute"
        return Record(
            self._data("POST", path, path_params={"id": workflow_id}, body=body, idempotency_key=idempotency_key)
        )

    def get_execution(self, workflow_id: str, execution_id: str) -> Record:
        """How far it is, step by step."""
        path = "/v1/workflows/{id}/executions/{execution_id}"
        return Record(self._data("GET", path, path_params={"id": workflow_id, "execution_id": execution_id}))
