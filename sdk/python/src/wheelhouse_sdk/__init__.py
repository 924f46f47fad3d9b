"""Client of Wheelhouse: ``Client``, and ``AsyncClient`` for asyncio."""

from ._async.client import AsyncClient
from ._sync.client import Client
from .errors import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    AuthenticationError,
    ConflictError,
    InvalidRequestError,
    Issue,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    WheelhouseError,
)
from .records import Agent, Gate, Investigation, LogEntry, Page, Recommendation, Record, Run, Task, Ticket, Workflow

__all__ = [
    "APIConnectionError",
    "APIError",
    "APITimeoutError",
    "Agent",
    "AsyncClient",
    "AuthenticationError",
    "Client",
    "ConflictError",
    "Gate",
    "InvalidRequestError",
    "Investigation",
    "Issue",
    "LogEntry",
    "NotFoundError",
    "Page",
    "PermissionDeniedError",
    "RateLimitError",
    "Recommendation",
    "Record",
    "Run",
    "ServerError",
    "Task",
    "Ticket",
    "WheelhouseError",
    "Workflow",
]
