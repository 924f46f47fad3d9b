import { at, none, type Declared } from '../declaration';

const agent = { 'path.agent_id': at('workAgent') };

export const orchestration: Readonly<Record<string, Declared>> = {
  listWorkAgents: none,
  getWorkAgent: { ids: agent },
  createWorkAgent: none,
  updateWorkAgent: { ids: agent },
  deleteWorkAgent: {
    ids: agent,
    own: { statuses: [200, 404], why: 'whoever comes second finds it gone' },
    fresh: 'workAgent',
  },
};
