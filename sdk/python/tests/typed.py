"""Never run: what a type checker has to find of the package as it is installed."""

from typing import AsyncIterator, List, Optional

from typing_extensions import assert_type

from agent_orchestration import AsyncClient, Client
from wheelhouse_sdk import Agent, Page, Task

client = Client(api_key="k", base_url="http://localhost:8000/v1", timeout=5)
assert_type(client.agents.list(status="active"), Page[Agent])
task = client.tasks.create(agent_id="agent_1", type="t", payload={"a": 1}, priority="low")
assert_type(task, Task)
assert_type(task.progress, float)
statuses: List[str] = [seen.status for seen in client.tasks.watch(task.id)]
client.tasks.create(agent="agent_1")  # type: ignore[call-arg]


async def work(client: AsyncClient) -> Optional[Task]:
    found: AsyncIterator[Task] = client.tasks.iter(status="failed")
    async for task in found:
        return await client.tasks.get(task.id)
    return None
