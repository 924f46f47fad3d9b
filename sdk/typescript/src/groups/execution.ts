import { execution } from '../generated/open.js';
import type { CallOptions } from '../wire.js';
import { Group, type Answer } from './group.js';

export interface ToolCall {
  tool: string;
  arguments?: Record<string, unknown>;
  /** The agent that calls: a uuid. An agent's own credential names it already. */
  agentId?: string;
  /** Of the approval that an earlier call waited for. */
  approvalId?: string;
}

/** Governed tool calls: decided on, and carried out when nothing speaks against it. */
export class Execution extends Group {
  protected override readonly open = execution;

  /**
   * @returns what the tool answered, and what was decided
   * @throws PermissionError when it was refused or waits for people: `body` has the decision, the reasons and the approval to
   *   wait for · RateLimitError when it was throttled
   */
  run(call: ToolCall, options: CallOptions = {}): Promise<Answer<'POST', '/execute'>> {
    const headers = {
      ...options.headers,
      ...(call.agentId !== undefined && { 'X-Agent-ID': call.agentId }),
      ...(call.approvalId !== undefined && { 'X-Aegis-Approval-ID': call.approvalId }),
    };
    const body = { toolName: call.tool, arguments: call.arguments ?? {} };
    return this.call('POST', '/execute', { body }, { ...options, headers });
  }
}
