"""The client under the name that its API has: ``from agent_orchestration import Client``."""

from wheelhouse_sdk import AsyncClient, Client

__all__ = ["AsyncClient", "Client"]
