import time

from agent_orchestration import Client
# Initialize client
client = Client(
    api_key='YOUR_API_KEY',
    base_url='https://api.agent-orchestration-ops.com/v1'
)
# List agents
agents = client.agents.list(status='active')
print(f"Found {len(agents)} active agents")
# Create task
task = client.tasks.create(
    agent_id='agent_123',
    type='data_processing',
    payload={'source': 'database'},
    priority='medium'
)
# Monitor task progress
while task.status in ['pending', 'running']:
    task = client.tasks.get(task.id)
    print(f"Task progress: {task.progress}%")
    time.sleep(5)
print(f"Task completed with result: {task.result}")
