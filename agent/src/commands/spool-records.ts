import { createHash } from 'node:crypto'
import { type AgentParams, agentLimits, commandResult, executeCommand } from '@rollcall/contracts/agent'
import { z } from 'zod'
import { readIfThere } from '../platform/files.ts'
import type { CommandPaths } from './spool-paths.ts'

const processIdentity = z.object({ pid: z.int(), start: z.string() })

/** The bounds that held when a command was accepted. They travel with it, so that the runner needs no config. */
export const spoolLimits = agentLimits
  .pick({
    spool_bytes_per_command: true,
    spool_bytes_total: true,
    spool_bytes_left_free: true,
  })
  .strip()
export type SpoolLimits = z.infer<typeof spoolLimits>

export const specRecord = z.object({
  limits: spoolLimits,
  params: executeCommand.params,
  hash: z.string(),
  boot_id: z.string(),
  accepted_at_ms: z.int(),
})
export type SpecRecord = z.infer<typeof specRecord>

export const startedRecord = z.object({
  runner: processIdentity,
  started_at_ms: z.int(),
  /** The leader of the program's process group; null until it runs. */
  program: processIdentity.nullable(),
})
export type StartedRecord = z.infer<typeof startedRecord>

/** Names the parameters: the same id with another hash is another command and refused. */
export function hashParams(params: AgentParams<'execute_command'>): string {
  const env = Object.fromEntries(Object.entries(params.env).sort(([a], [b]) => (a < b ? -1 : 1)))
  const ordered = Object.entries({ ...params, env }).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(ordered)).digest('base64url')
}

// `started.json` is created first and filled a moment later, so an empty one is a claim without details and not a fault.
const parse = <T>(schema: z.ZodType<T>, text: string | null): T | null =>
  text === null || text === '' ? null : schema.parse(JSON.parse(text))

export const readSpec = (paths: CommandPaths) => parse(specRecord, readIfThere(paths.spec))
export const readExit = (paths: CommandPaths) => parse(commandResult, readIfThere(paths.exit))

/** Read once, so that a claim made in between is either seen whole or not at all. */
export function readClaim(paths: CommandPaths): { isClaimed: boolean; started: StartedRecord | null } {
  const text = readIfThere(paths.started)
  return { isClaimed: text !== null, started: parse(startedRecord, text) }
}
