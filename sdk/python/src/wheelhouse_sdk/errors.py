"""What calls raise. The doors of the server say refusals in forms of their own; here they are in one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Optional, Type


class WheelhouseError(Exception):
    """Anything that this client raises by itself."""


class APIConnectionError(WheelhouseError):
    """The server could not be reached, or the connection broke; ``__cause__`` has why."""


class APITimeoutError(APIConnectionError):
    """There was no answer within ``timeout``."""


@dataclass(frozen=True)
class Issue:
    """What was wrong with one part of a request; ``field`` is empty where the server names none."""

    field: str
    message: str


class APIError(WheelhouseError):
    """The server refused. ``body`` is the answer as it came."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: Optional[str],
        request_id: Optional[str],
        issues: List[Issue],
        retry_after: Optional[float],
        body: Any,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        #: The door's own word, such as ``NOT_FOUND``; None where it has none.
        self.code = code
        #: Finds the request in the server's log.
        self.request_id = request_id
        self.issues = issues
        #: Seconds, where the server said when to come again.
        self.retry_after = retry_after
        self.body = body


class InvalidRequestError(APIError):
    """400, 413, 415, 422: ``issues`` says which fields."""


class AuthenticationError(APIError):
    """401"""


class PermissionDeniedError(APIError):
    """403: a scope is missing, or a policy or a person said no."""


class NotFoundError(APIError):
    """404"""


class ConflictError(APIError):
    """409: what stands does not allow it."""


class RateLimitError(APIError):
    """429, when waiting did not help."""


class ServerError(APIError):
    """5xx"""


_classes = {401: AuthenticationError, 403: PermissionDeniedError, 404: NotFoundError, 409: ConflictError, 429: RateLimitError}


def class_of(status: int) -> Type[APIError]:
    if status in (400, 413, 415, 422):
        return InvalidRequestError
    return _classes.get(status, ServerError if status >= 500 else APIError)
