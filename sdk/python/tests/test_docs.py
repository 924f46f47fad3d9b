"""The code of docs/sdk-python.md, from top to bottom."""

import re
from pathlib import Path
from typing import Any, Dict

import pytest


def test_the_page_runs(server: Dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[3] / "docs" / "sdk-python.md").read_text()
    monkeypatch.setenv("WHEELHOUSE_API_KEY", server["api_key"])
    monkeypatch.delenv("AGENT_ORCHESTRATION_API_KEY", raising=False)
    code = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    assert code.count("http://localhost:8000/v1") == 2
    exec(compile(code.replace("http://localhost:8000/v1", server["base_url"]), "sdk-python.md", "exec"), {})
    said = capsys.readouterr().out
    assert re.search(r"^[0-9a-f-]{36} \[\('title', '.+'\)\]$", said, re.MULTILINE)
    assert "NotFoundError" in said
