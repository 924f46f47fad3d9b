"""The example of the API's own documentation, as it stands there but for its underscores and `import time`."""

import json
import runpy
import time
from pathlib import Path
from typing import Any, List, Tuple

import httpx
import pytest

import agent_orchestration
from agent_orchestration import Client


def test_it_runs_word_for_word(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked: List[Tuple[str, str, Any]] = []
    states = iter([("pending", 0, None), ("running", 40, None), ("completed", 100, {"rows": 3})])

    def task() -> Any:
        status, progress, result = next(states)
        said = {"id": "task_789", "agent_id": "agent_123", "status": status, "progress": progress, "result": result}
        return httpx.Response(200, json={"data": said})

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, str(request.url), json.loads(request.content or "null")))
        assert request.headers["authorization"] == "Bearer YOUR_API_KEY"
        if request.url.path == "/v1/agents":
            page = {"page": 1, "limit": 20, "total": 1, "pages": 1}
            return httpx.Response(200, json={"data": [{"id": "agent_123"}], "pagination": page})
        return task()

    class Here(Client):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options, transport=httpx.MockTransport(answer))

    monkeypatch.setattr(agent_orchestration, "Client", Here)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    runpy.run_path(str(Path(__file__).parent / "seed_example.py"))
    assert capsys.readouterr().out.splitlines() == [
        "Found 1 active agents",
        "Task progress: 40%",
        "Task progress: 100%",
        "Task completed with result: {'rows': 3}",
    ]
    host = "https://api.agent-orchestration-ops.com/v1"
    said = {"agent_id": "agent_123", "type": "data_processing", "payload": {"source": "database"}, "priority": "medium"}
    assert asked == [
        ("GET", f"{host}/agents?status=active", None),
        ("POST", f"{host}/tasks", said),
        *[("GET", f"{host}/tasks/task_789", None)] * 2,
    ]


def test_it_is_python_of_3_9() -> None:
    import ast

    package = Path(agent_orchestration.__file__).parent.parent
    sources = [*package.glob("agent_orchestration/*.py"), *package.glob("wheelhouse_sdk/**/*.py")]
    assert len(sources) > 10
    for source in sources:
        ast.parse(source.read_text(), feature_version=(3, 9))
