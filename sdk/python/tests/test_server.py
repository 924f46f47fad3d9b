"""The common work at every door of a server that is there."""

import threading
import time
from typing import Any, Dict
from uuid import uuid4

import pytest

import wheelhouse_sdk as sdk
from agent_orchestration import AsyncClient, Client


def test_tickets_gates_and_the_log(client: Client) -> None:
    mark = f"from python {uuid4().hex}"
    made = [client.tickets.create(title=f"{mark} {n}", auto_assign=False) for n in range(3)]
    ticket = client.tickets.get(made[0].id)
    assert ticket.title == f"{mark} 0"
    found = client.tickets.list(limit=2)
    assert (len(found), found.total is not None and found.total >= 3) == (2, True)
    ids = [one.id for one in client.tickets.iter(limit=2)]
    assert len(ids) == len(set(ids)) and {one.id for one in made} <= set(ids)
    client.tickets.add_note(ticket.id, "closer", author="dana", source="dashboard")
    client.tickets.set_status(ticket.id, "in_progress")
    assert client.tickets.get(ticket.id).status == "in_progress"

    asked = client.gates.request(ticket_id=ticket.id, action="restart", target="web-1")
    assert asked.change_id in [gate.id for gate in client.gates.pending()]
    client.gates.reject(asked.change_id, "not now")
    assert client.gates.get(asked.change_id).status == "rejected"
    with pytest.raises(sdk.ConflictError):
        client.gates.approve(asked.change_id)

    entries = client.audit.search(limit=5)
    assert (len(entries), entries.total is not None and entries.total > 5) == (5, True)
    assert client.audit.verify().head


def test_the_same_key_is_one_ticket(client: Client) -> None:
    key = uuid4().hex
    once, again = (client.tickets.create(title="once", auto_assign=False, idempotency_key=key) for _ in range(2))
    assert once.id == again.id
    with pytest.raises(sdk.APIError):
        client.tickets.create(title="another", idempotency_key=key)


def test_refusals(client: Client, server: Dict[str, Any]) -> None:
    with pytest.raises(sdk.NotFoundError):
        client.tickets.get(2_147_480_000)
    with pytest.raises(sdk.InvalidRequestError) as wrong:
        client.tickets.create(title="")
    assert [issue.field for issue in wrong.value.issues] == ["title"] and wrong.value.request_id
    with pytest.raises(sdk.InvalidRequestError) as at_the_log:
        client.audit.search(limit="many")
    assert [issue.field for issue in at_the_log.value.issues] == ["body.limit"]
    with pytest.raises(sdk.AuthenticationError), Client("acp_wrong", server["base_url"]) as nobody:
        nobody.tickets.list()


def test_investigations_and_calls(client: Client) -> None:
    ticket = client.tickets.create(title="SSH logins fail", auto_assign=False)
    begun = client.investigations.run(ticket_id=ticket.id)
    assert client.investigations.get(begun.investigation_id).investigation_id == begun.investigation_id
    assert begun.investigation_id in [one.investigation_id for one in client.investigations.iter(limit=10)]
    assert all(one.recommendation_id for one in client.investigations.recommendations(limit=1))
    with pytest.raises(sdk.APIError) as refused:
        client.execution.run("no_such_tool", {"a": 1}, agent_id=str(uuid4()))
    assert refused.value.status in (403, 404)


def test_agents(client: Client) -> None:
    mark = uuid4().hex
    made = [client.agents.create(name=f"{mark} {n}", type=f"t-{mark}", configuration={"timeout": 60}) for n in range(3)]
    found = client.agents.list(type=f"t-{mark}", limit=2)
    assert (len(found), found.total) == (2, 3)
    assert {one.id for one in client.agents.iter(type=f"t-{mark}", limit=2)} == {one.id for one in made}
    changed = client.agents.update(made[0].id, name=f"{mark} changed", configuration={"retry_attempts": 1})
    assert client.agents.get(changed.id).name == f"{mark} changed"
    assert (changed.configuration["timeout"], changed.configuration["retry_attempts"]) == (60, 1)
    assert client.agents.delete(made[1].id).deleted_at
    with pytest.raises(sdk.NotFoundError) as gone:
        client.agents.get(made[1].id)
    assert gone.value.code


def active(client: Client, type: str) -> sdk.Agent:
    agent = client.agents.create(name=uuid4().hex, type=type, configuration={"retry_attempts": 0})
    deadline = time.monotonic() + 60
    while client.agents.get(agent.id).status != "active":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return agent


def carry_out(client: Client, agent_id: str, begun: "threading.Event") -> None:
    claim = {"agent_id": agent_id, "wait": 30}
    held = client.request("POST", "/v1/tasks/claim", body=claim, timeout=60)["data"]["task"]
    begun.wait(60)
    path = {"task_id": held["id"]}
    client.request("POST", "/v1/tasks/{task_id}/heartbeat", path_params=path, body={"fence": held["fence"], "progress": 40})
    done = {"fence": held["fence"], "status": "completed", "result": {"moved": 3}}
    client.request("POST", "/v1/tasks/{task_id}/complete", path_params=path, body=done)


def test_a_task_is_watched_over_the_socket(client: Client) -> None:
    agent = active(client, f"t-{uuid4().hex}")
    task = client.tasks.create(agent_id=agent.id, type="moving", payload={"source": "database"}, priority="high")
    assert [one.id for one in client.tasks.iter(agent_id=agent.id)] == [task.id]
    seen = []
    begun = threading.Event()
    worker = threading.Thread(target=carry_out, args=(client, agent.id, begun))
    worker.start()
    # Between two looks without a word there are fifty minutes: what brings the end is told.
    for now in client.tasks.watch(task.id, poll_seconds=600):
        seen.append(now)
        if now.status == "running":
            begun.set()
    worker.join()
    assert (seen[-1].status, seen[-1].progress, seen[-1].result) == ("completed", 100, {"moved": 3})
    assert "running" in [now.status for now in seen]


def test_workflows(client: Client) -> None:
    kind = f"t-{uuid4().hex}"
    agent = active(client, kind)
    steps = [{"name": "Move", "agent_type": kind, "order": 1}]
    workflow = client.workflows.create(name="Data", steps=steps)
    assert client.workflows.get(workflow.id).steps[0]["agent_type"] == kind
    assert workflow.id in [one.id for one in client.workflows.list()]
    assert workflow.id in [one.id for one in client.workflows.iter(limit=1)]
    execution = client.workflows.execute(workflow.id, parameters={"from": "a"}, priority="high")
    begun = threading.Event()
    begun.set()
    carry_out(client, agent.id, begun)
    deadline = time.monotonic() + 60
    while client.workflows.get_execution(workflow.id, execution.execution_id).status != "completed":
        assert time.monotonic() < deadline
        time.sleep(0.05)


async def test_async(async_client: AsyncClient) -> None:
    ticket = await async_client.tickets.create(title="from asyncio", auto_assign=False)
    assert (await async_client.tickets.get(ticket.id)).title == "from asyncio"
    assert ticket.id in [one.id async for one in async_client.tickets.iter(limit=50)]
    run = await async_client.tickets.assign_agent(ticket.id)
    assert (await async_client.runs.get(run.agent_id)).ticket_id == ticket.id
    assert run.agent_id in [one.id for one in await async_client.runs.list()]
    await async_client.runs.stop(run.agent_id, "enough")
