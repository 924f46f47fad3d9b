"""A WebSocket of JSON messages, in both worlds; only where the package ``websockets`` is installed."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack
from typing import Any, Dict, Optional

#: Seconds until it is given up that a socket opens, or that the server knows who it is.
PATIENCE = 5.0


class SocketUnavailable(Exception):
    """There is no package, no server that speaks it, or it ended: ask instead."""


def _message(text: Any) -> Dict[str, Any]:
    try:
        said = json.loads(text)
    except ValueError as cause:
        raise SocketUnavailable("what came is no JSON") from cause
    return said if isinstance(said, dict) else {}


class AsyncSocket:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, url: str) -> "AsyncSocket":
        try:
            from websockets.asyncio.client import connect

            return cls(await connect(url, open_timeout=PATIENCE))
        except Exception as cause:
            raise SocketUnavailable(url) from cause

    async def send(self, message: Dict[str, Any]) -> None:
        try:
            await self._connection.send(json.dumps(message))
        except Exception as cause:
            raise SocketUnavailable("the socket ended") from cause

    async def receive(self, seconds: float) -> Optional[Dict[str, Any]]:
        """None when nothing came in that time."""
        try:
            return _message(await asyncio.wait_for(self._connection.recv(), seconds))
        except (asyncio.TimeoutError, TimeoutError):
            return None
        except Exception as cause:
            raise SocketUnavailable("the socket ended") from cause

    async def close(self) -> None:
        await self._connection.close()


class Socket:
    def __init__(self, connection: Any, open_still: ExitStack) -> None:
        self._connection = connection
        self._open_still = open_still

    @classmethod
    def open(cls, url: str) -> "Socket":
        try:
            from websockets.sync.client import connect

            with ExitStack() as stack:
                connection = stack.enter_context(connect(url, open_timeout=PATIENCE))
                return cls(connection, stack.pop_all())
        except Exception as cause:
            raise SocketUnavailable(url) from cause

    def send(self, message: Dict[str, Any]) -> None:
        try:
            self._connection.send(json.dumps(message))
        except Exception as cause:
            raise SocketUnavailable("the socket ended") from cause

    def receive(self, seconds: float) -> Optional[Dict[str, Any]]:
        """None when nothing came in that time."""
        try:
            return _message(self._connection.recv(timeout=seconds))
        except TimeoutError:
            return None
        except Exception as cause:
            raise SocketUnavailable("the socket ended") from cause

    def close(self) -> None:
        self._open_still.close()
