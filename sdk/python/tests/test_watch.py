"""``watch`` over a WebSocket, spoken to over its protocol."""

import asyncio
import json
import threading
from typing import Any, Dict, Iterator, List, Tuple

import httpx
import pytest

from agent_orchestration import AsyncClient, Client

websockets = pytest.importorskip("websockets")


class Door:
    """Tells of a task that moves each time that it has been looked at, and ends the socket half-way when told to."""

    states = [("pending", 0), ("running", 40), ("running", 80), ("completed", 100)]

    def __init__(self, breaks_after: int) -> None:
        self.breaks_after = breaks_after
        self.at = 0
        self.said: List[Dict[str, Any]] = []
        self.looked = threading.Event()

    def answer(self, _: httpx.Request) -> httpx.Response:
        status, progress = self.states[min(self.at, len(self.states) - 1)]
        self.at += 1
        self.looked.set()
        return httpx.Response(200, json={"data": {"id": "task_7", "agent_id": "agent_3", "status": status, "progress": progress}})

    async def serve(self, socket: Any) -> None:
        self.said.append(json.loads(await socket.recv()))
        await socket.send('{"type": "auth_ok"}')
        self.said.append(json.loads(await socket.recv()))
        await socket.send('{"type": "subscribed"}')
        for _ in range(self.breaks_after):
            self.looked.clear()
            await socket.send('{"type": "task_progress", "payload": {}}')
            await asyncio.get_running_loop().run_in_executor(None, self.looked.wait, 5)


@pytest.fixture(params=[2, 1], ids=["all the way", "until it breaks"])
def door(request: pytest.FixtureRequest) -> Iterator[Tuple[Door, str]]:
    from websockets.asyncio.server import serve

    door = Door(request.param)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> Any:
        return await serve(door.serve, "127.0.0.1", 0)

    async def stop(server: Any) -> None:
        server.close()
        await server.wait_closed()

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(5)
    try:
        yield door, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        asyncio.run_coroutine_threadsafe(stop(server), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_watch(door: Tuple[Door, str]) -> None:
    told, url = door
    # So long between two looks without a word that only what is told brings the end in time; and after the break, nothing.
    patience = 600 if told.breaks_after > 1 else 0
    with Client("key", url, transport=httpx.MockTransport(told.answer)) as client:
        assert [(t.status, t.progress) for t in client.tasks.watch("task_7", poll_seconds=patience)] == told.states
    assert told.said == [
        {"type": "auth", "token": "key"},
        {"type": "subscribe", "channel": "agent_events", "agent_id": "agent_3"},
    ]


async def test_async_watch(door: Tuple[Door, str]) -> None:
    told, url = door
    patience = 600 if told.breaks_after > 1 else 0
    async with AsyncClient("key", url, transport=httpx.MockTransport(told.answer)) as client:
        seen = [(t.status, t.progress) async for t in client.tasks.watch("task_7", poll_seconds=patience)]
    assert seen == told.states
    assert [said["type"] for said in told.said] == ["auth", "subscribe"]
