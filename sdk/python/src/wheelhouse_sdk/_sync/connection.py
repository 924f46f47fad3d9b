"""The server, and how it is spoken to: what everything else here is built on."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Iterator, Callable, Dict, Mapping, Optional, Type, TypeVar

import httpx

from .. import _wire
from .._pauses import sleep
from ..errors import APIConnectionError, APITimeoutError
from ..records import Page, Record

C = TypeVar("C", bound="Connection")
R = TypeVar("R", bound=Record)


class Connection:
    """
    ``api_key``: a key or a token; AGENT_ORCHESTRATION_API_KEY or WHEELHOUSE_API_KEY of the environment unless given.
    ``base_url``: the ``/v1`` of one door may stand at its end.
    ``tenant_id``: for tokens at the doors that ask for it; an API key brings its own.
    ``timeout``: seconds of each attempt. ``retries``: how often a call that may be repeated is.
    ``transport``: in place of httpx's own.
    """

    def __init__(
        self,
        api_key: Optional[str] = None,
        base_url: str = "http://localhost:8000",
        *,
        tenant_id: Optional[str] = None,
        timeout: float = _wire.TIMEOUT,
        retries: int = _wire.RETRIES,
        longest_wait: float = _wire.LONGEST_WAIT,
        headers: Optional[Mapping[str, str]] = None,
        transport: Optional[httpx.BaseTransport] = None,
    ) -> None:
        self.base_url = _wire.base_of(base_url)
        self.api_key = _wire.key_of(api_key)
        self._tenant_id = tenant_id
        self._retries = retries
        self._longest_wait = longest_wait
        self._http = httpx.Client(timeout=timeout, headers=dict(headers or {}), transport=transport)

    def request(
        self,
        method: str,
        path: str,
        *,
        path_params: Optional[Mapping[str, Any]] = None,
        query: Optional[Mapping[str, Any]] = None,
        body: Any = None,
        files: Any = None,
        headers: Optional[Mapping[str, str]] = None,
        idempotency_key: Optional[str] = None,
        timeout: Optional[float] = None,
    ) -> Any:
        """
        Calls an operation of any door by its template, as ``/api/tickets/{ticket_id}``; names are those of the wire.
        Gives JSON, or text where it is none; None for 204.
        Raises APIError, by status one of its classes, APIConnectionError or APITimeoutError.
        """
        url = self.base_url + _wire.path_of(path, path_params or {})
        sent = _wire.headers_of(method, self.api_key, self._tenant_id, idempotency_key)
        sent.update(headers or {})
        options: Dict[str, Any] = {"params": _wire.query_of(query or {}), "headers": sent}
        if files is not None:
            options["files"] = files
        elif body is not None:
            options["json"] = body
        if timeout is not None:
            options["timeout"] = timeout
        attempt = 0
        while True:
            refusal = None
            try:
                response = self._http.request(method, url, **options)
                if response.is_success:
                    return _wire.contents_of(response)
                refusal = _wire.error_of(response)
                failure: Exception = refusal
            except httpx.TimeoutException as cause:
                failure = APITimeoutError(f"no answer from {self.base_url} in time")
                failure.__cause__ = cause
            except httpx.TransportError as cause:
                failure = APIConnectionError(f"no connection to {self.base_url}, or it broke")
                failure.__cause__ = cause
            wait = _wire.wait_before_repeat(method, sent, attempt, refusal, self._longest_wait)
            if wait is None or attempt >= self._retries:
                raise failure
            attempt += 1
            sleep(wait)

    def close(self) -> None:
        self._http.close()

    def __enter__(self: C) -> C:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], value: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()


class Group:
    """Operations that belong together."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _data(self, method: str, path: str, **given: Any) -> Any:
        """What stands in the envelope of its door."""
        answer = self._connection.request(method, path, **given)
        return answer["data"] if isinstance(answer, dict) and "data" in answer else answer

    def _offset_page(
        self, path: str, key: str, of: Callable[[Any], R], query: Mapping[str, Any]
    ) -> Page[R]:
        answer = self._connection.request("GET", path, query=query)
        return Page([of(item) for item in answer[key]], answer.get("total"))

    def _offset_items(
        self, path: str, key: str, of: Callable[[Any], R], query: Mapping[str, Any]
    ) -> Iterator[R]:
        at = 0
        while True:
            page = self._offset_page(path, key, of, {**query, "offset": at})
            for item in page:
                yield item
            at += len(page)
            if not page or (page.total is not None and at >= page.total):
                return
