"""What is put on the wire, and what is made of answers and of their absence."""

import json
from typing import Any, Callable, List

import httpx
import pytest

import wheelhouse_sdk as sdk
from agent_orchestration import AsyncClient, Client


class Server:
    """Answers what it is told, one after the other, and keeps what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: List[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, body, headers = answer
        return httpx.Response(status, json=body, headers=headers)

    def client(self, **options: Any) -> Client:
        return Client("key", "http://house/v1", transport=httpx.MockTransport(self), **options)


def ok(body: Any = None) -> Any:
    return 200, {"data": body if body is not None else {}}, {}


def busy(status: int, seconds: str = "0") -> Any:
    return status, {"error": "later"}, {"retry-after": seconds}


def test_key_and_address(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(ok({"id": "task_1"}), ok({"id": "task_1"}))
    assert server.client().tasks.get("task_1").id == "task_1"
    assert str(server.asked[0].url) == "http://house/v1/tasks/task_1"
    assert server.asked[0].headers["authorization"] == "Bearer key"
    for name in ("WHEELHOUSE_API_KEY", "AGENT_ORCHESTRATION_API_KEY"):
        monkeypatch.setenv(name, name)
        assert Client().api_key == name
    with pytest.raises(sdk.WheelhouseError, match="needs task_id"):
        server.client().tasks.get("")
    server.client().tasks.get("a/../b?c")
    assert server.asked[1].url.raw_path == b"/v1/tasks/a%2F..%2Fb%3Fc"


@pytest.mark.parametrize("answer", [busy(429), busy(503), busy(409), httpx.ConnectError("no"), httpx.ReadTimeout("late")])
def test_repeats_have_the_same_key(answer: Any) -> None:
    server = Server(answer, ok({"id": "task_1"}))
    server.client().tasks.create(agent_id="agent_1", type="t")
    first, second = (request.headers["idempotency-key"] for request in server.asked)
    assert first == second
    assert [json.loads(request.content) for request in server.asked] == [{"agent_id": "agent_1", "type": "t"}] * 2
    another = Server(ok())
    another.client().tasks.create(agent_id="agent_1", type="t")
    assert another.asked[0].headers["idempotency-key"] != first


@pytest.mark.parametrize(
    ("method", "answer", "error"),
    [
        ("PATCH", busy(503), sdk.ServerError),  # it may have been done, and has no key
        ("PATCH", httpx.ReadTimeout("late"), sdk.APITimeoutError),
        ("POST", (409, {"error": "decided"}, {}), sdk.ConflictError),
        ("POST", busy(503, "3600"), sdk.ServerError),
        ("GET", (500, {"error": "broken"}, {}), sdk.ServerError),
    ],
)
def test_what_is_not_repeated(method: str, answer: Any, error: Any) -> None:
    server = Server(answer)
    with pytest.raises(error):
        server.client().request(method, "/x", body={} if method != "GET" else None)
    assert len(server.asked) == 1


def test_it_is_given_up() -> None:
    server = Server(*[busy(503)] * 3)
    with pytest.raises(sdk.ServerError) as raised:
        server.client(retries=2).agents.list()
    assert (raised.value.retry_after, len(server.asked)) == (0, 3)
    broken = Server(*[httpx.ConnectError("no")] * 1)
    with pytest.raises(sdk.APIConnectionError) as unreached:
        broken.client(retries=0).agents.list()
    assert isinstance(unreached.value.__cause__, httpx.ConnectError)


@pytest.mark.parametrize(
    ("status", "body", "error", "code", "issues"),
    [
        (
            400,
            {"error": {"code": "VALIDATION_ERROR", "message": "no", "details": [{"field": "type", "message": "short"}]}},
            sdk.InvalidRequestError, "VALIDATION_ERROR", [sdk.Issue("type", "short")],
        ),
        (
            422,
            {"error": "no", "meta": {"code": "invalid", "details": [{"loc": ["body", "a"], "msg": "short"}]}},
            sdk.InvalidRequestError, "invalid", [sdk.Issue("body.a", "short")],
        ),
        (400, {"detail": {"message": "no"}, "error": "no", "field": "a"}, sdk.InvalidRequestError, None, [sdk.Issue("a", "no")]),
        (401, {"error": "invalid_client", "error_description": "no"}, sdk.AuthenticationError, "invalid_client", []),
        (403, {"error": "no"}, sdk.PermissionDeniedError, None, []),
        (404, {"error": "no"}, sdk.NotFoundError, None, []),
        (418, {"error": "no"}, sdk.APIError, None, []),
    ],
)  # fmt: skip
def test_refusals_of_all_doors(status: int, body: Any, error: Any, code: Any, issues: Any) -> None:
    with pytest.raises(sdk.APIError) as raised:
        Server((status, body, {"x-request-id": "r1"})).client().agents.list()
    said = raised.value
    assert (type(said), str(said), said.code, said.issues) == (error, "no", code, issues)
    assert (said.status, said.request_id, said.body) == (status, "r1", body)


def pages(number: int) -> Any:
    return 200, {"data": [{"id": f"agent_{number}"}], "pagination": {"page": number, "limit": 1, "total": 2, "pages": 2}}, {}


def test_pages() -> None:
    server = Server(pages(1), pages(1), pages(2))
    agents = server.client().agents.list(status="active")
    assert (len(agents), agents.total, agents[0].id) == (1, 2, "agent_1")
    assert [agent.id for agent in server.client().agents.iter(limit=1)] == ["agent_1", "agent_2"]
    assert [request.url.query for request in server.asked] == [b"status=active", b"limit=1&page=1", b"limit=1&page=2"]


async def test_async_pages() -> None:
    server = Server(pages(1), pages(2), busy(503), pages(1))
    async with AsyncClient("key", "http://house", transport=httpx.MockTransport(server)) as client:
        assert [agent.id async for agent in client.agents.iter(limit=1)] == ["agent_1", "agent_2"]
        assert len(await client.agents.list()) == 1


def test_watch_asks_where_there_is_no_socket(unused_tcp_port_factory: Callable[[], int]) -> None:
    def task(status: str, progress: int) -> Any:
        return ok({"id": "task_1", "agent_id": "agent_1", "status": status, "progress": progress})

    server = Server(task("pending", 0), task("running", 40), task("running", 40), task("completed", 100))
    # Nobody listens there: the socket can't be opened, and the task is asked for.
    address = f"http://127.0.0.1:{unused_tcp_port_factory()}"
    client = Client("key", address, transport=httpx.MockTransport(server))
    seen = [(t.status, t.progress) for t in client.tasks.watch("task_1", poll_seconds=0)]
    assert seen == [("pending", 0), ("running", 40), ("completed", 100)]
    with pytest.raises(AttributeError, match="no result"):
        sdk.Task({"id": "task_1"}).result
