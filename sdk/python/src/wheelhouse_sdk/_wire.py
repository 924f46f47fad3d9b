"""How a call is put on the wire and read off it: all that needs no connection."""

from __future__ import annotations

import os
import random
import re
import time
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Dict, List, Mapping, Optional, Tuple
from urllib.parse import quote
from uuid import uuid4

import httpx

from .errors import APIError, Issue, WheelhouseError, class_of

#: Seconds of each attempt, unless given.
TIMEOUT = 30.0
RETRIES = 4
#: The longest wait, in seconds, that a server may ask for; one that asks for more has its refusal raised.
LONGEST_WAIT = 60.0


def key_of(given: Optional[str]) -> Optional[str]:
    """The key that was given, or that of the environment. None: some operations are open to anybody."""
    return given or os.environ.get("AGENT_ORCHESTRATION_API_KEY") or os.environ.get("WHEELHOUSE_API_KEY") or None


def base_of(url: str) -> str:
    """Where the server is; the ``/v1`` of one door may stand at the end."""
    return re.sub(r"/v1$", "", url.rstrip("/"))


def path_of(template: str, parts: Mapping[str, Any]) -> str:
    """``/a/{id}`` with its parts, encoded. Raises WheelhouseError for one that is missing or empty."""

    def filled(match: "re.Match[str]") -> str:
        value = parts.get(match[1])
        if value is None or value == "":
            raise WheelhouseError(f"{template} needs {match[1]}")
        return quote(str(value), safe="")

    return re.sub(r"\{(\w+)\}", filled, template)


def query_of(query: Mapping[str, Any]) -> List[Tuple[str, str]]:
    """What is None is left out."""
    found = []
    for name, value in query.items():
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if one is not None:
                found.append((name, _text(one)))
    return found


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def without_none(body: Mapping[str, Any]) -> Dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def headers_of(method: str, token: Optional[str], tenant_id: Optional[str], idempotency_key: Optional[str]) -> Dict[str, str]:
    headers = {"Accept": "application/json, */*;q=0.5"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if tenant_id is not None:
        headers["X-Tenant-ID"] = tenant_id
    # Whatever became of the first one, a repeat with its key changes nothing more.
    if method == "POST" or idempotency_key is not None:
        headers["Idempotency-Key"] = idempotency_key or uuid4().hex
    return headers


def wait_before_repeat(
    method: str, headers: Mapping[str, str], attempt: int, refusal: Optional[APIError], longest: float
) -> Optional[float]:
    """Seconds until it is tried again; None: it is not. Without a refusal, the connection failed."""
    repeatable = method != "PATCH" or "Idempotency-Key" in headers
    if refusal is None:
        return _pause(attempt) if repeatable else None
    status, asked = refusal.status, refusal.retry_after
    # 429: it was not begun. 409 with a time: the first with this key is still at work.
    passes = status == 429 or (repeatable and (asked is not None if status == 409 else status in (408, 502, 503, 504)))
    if not passes:
        return None
    if asked is None:
        return _pause(attempt)
    return None if asked > longest else asked


def _pause(attempt: int) -> float:
    """Up to a quarter of a second, then up to twice as long each time, eight seconds at most."""
    return random.random() * min(8.0, 0.25 * 2.0**attempt)


def retry_after_of(headers: Mapping[str, str]) -> Optional[float]:
    """Seconds or a date, in seconds from now; None where there is neither."""
    said = headers.get("retry-after")
    if said is None:
        return None
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def contents_of(response: httpx.Response) -> Any:
    """JSON, or text where it is none; None for 204."""
    if response.status_code == 204 or not response.content:
        return None
    if re.search(r"[/+]json\b", response.headers.get("content-type", "")):
        return response.json()
    return response.text


def error_of(response: httpx.Response) -> APIError:
    try:
        body = contents_of(response)
    except ValueError:  # a proxy on the way may call something JSON that is none
        body = response.text
    whole = _object(body)
    error, meta = _object(whole.get("error")), _object(whole.get("meta"))
    details = next((d for d in (error.get("details"), meta.get("details")) if isinstance(d, list)), None)
    described = _said(whole.get("error_description"))
    code = _said(error.get("code")) or _said(meta.get("code")) or (_said(whole.get("error")) if described else None)
    message = _said(error.get("message")) or described or _said(whole.get("error")) or _said(whole.get("detail"))
    message = message or f"{response.status_code} {response.reason_phrase}".strip()
    field = _said(whole.get("field"))
    issues = [_issue(d) for d in details] if details is not None else [Issue(field, message)] if field else []
    return class_of(response.status_code)(
        message,
        status=response.status_code,
        code=code,
        request_id=response.headers.get("x-request-id"),
        issues=issues,
        retry_after=retry_after_of(response.headers),
        body=body,
    )


def _object(value: Any) -> Dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _said(value: Any) -> Optional[str]:
    return value if isinstance(value, str) and value else None


def _issue(value: Any) -> Issue:
    """Doors name a part in three ways: ``field``, ``loc`` and ``path``."""
    one = _object(value)
    parts = next((p for p in (one.get("loc"), one.get("path")) if isinstance(p, list)), [])
    return Issue(
        _said(one.get("field")) or ".".join(str(p) for p in parts),
        _said(one.get("message")) or _said(one.get("msg")) or "",
    )
