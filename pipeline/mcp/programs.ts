import type { Program } from './child';

/** A command by its name, and the slugs of the tenants that may choose it; null: all. */
export interface AllowedProgram extends Program {
  tenants: string[] | null;
}
export type Programs = ReadonlyMap<string, AllowedProgram>;

/** A command that this tenant may choose; null when there is none of that name. */
export function programFor(programs: Programs, command: string, slug: string): AllowedProgram | null {
  const program = programs.get(command);
  return program && (program.tenants === null || program.tenants.includes(slug)) ? program : null;
}

/** What a server's secrets are sealed for. */
export const secretsOf = (serverId: string): string => `tool:${serverId}`;
