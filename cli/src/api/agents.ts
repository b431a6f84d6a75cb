import type { AgentView, HostState } from '@rollcall/contracts/admin'
import { CliError } from '../errors.ts'
import type { Client } from './client.ts'

const PAGE = 2000
/** More than one server can call. Bounds memory. */
export const MAX_AGENTS = 100_000

/** Fetches every agent, page by page, by the name of its host. Throws `CliError` if the pages do not end. */
export async function allAgents(api: Client, state?: HostState): Promise<AgentView[]> {
  const all: AgentView[] = []
  for (let after: string | undefined; ; ) {
    const { agents, next } = await api.call('listAgents', { query: { state, after, limit: PAGE } })
    all.push(...agents)
    if (next === null) return all
    if (all.length > MAX_AGENTS || agents.length === 0)
      throw new CliError(
        `The server's list of agents does not end; gave up after ${all.length}. Use the same release for both.`,
      )
    after = next
  }
}
