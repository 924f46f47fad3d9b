"""Against a server that is there: WHEELHOUSE_TEST_URL and WHEELHOUSE_TEST_KEY say which."""

import os
from typing import Any, AsyncIterator, Dict, Iterator

import pytest

from agent_orchestration import AsyncClient, Client


@pytest.fixture()
def server() -> Dict[str, Any]:
    if "WHEELHOUSE_TEST_URL" not in os.environ:
        pytest.skip("WHEELHOUSE_TEST_URL names no server")
    return {"base_url": os.environ["WHEELHOUSE_TEST_URL"], "api_key": os.environ["WHEELHOUSE_TEST_KEY"]}


@pytest.fixture()
def client(server: Dict[str, Any]) -> Iterator[Client]:
    with Client(**server) as client:
        yield client


@pytest.fixture()
async def async_client(server: Dict[str, Any]) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(**server) as client:
        yield client
