import { createHash } from 'node:crypto'
import {
  type AgentParams,
  agentLimits,
  COMMAND_METHODS,
  type CommandResult,
  commandResult,
} from '@rollcall/contracts/agent'
import { z } from 'zod'
import { errorCode, isDiskFault, readIfThere } from '../platform/files.ts'
import type { CommandPaths } from './spool-paths.ts'

const processIdentity = z.object({ pid: z.int(), start: z.string() })

/** The limits at the time a command was accepted. They are stored with it, so that the runner needs no config. */
export const spoolLimits = agentLimits
  .pick({
    spool_bytes_per_command: true,
    spool_bytes_total: true,
    spool_bytes_left_free: true,
  })
  .strip()
export type SpoolLimits = z.infer<typeof spoolLimits>

// Unknown fields are ignored everywhere: an agent that was rolled back reads the records of a newer one.
export const specRecord = z.object({
  limits: spoolLimits,
  params: COMMAND_METHODS.execute_command.params.strip(),
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
  /** Set if the agent made this claim to withdraw the command. */
  withdrawn_at_ms: z.int().optional(),
})
export type StartedRecord = z.infer<typeof startedRecord>

/** Hashes the parameters: a request with a known id and a different hash is a conflict. */
export function hashParams(params: AgentParams<'execute_command'>): string {
  const env = Object.fromEntries(Object.entries(params.env).sort(([a], [b]) => (a < b ? -1 : 1)))
  const ordered = Object.entries({ ...params, env }).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(ordered)).digest('base64url')
}

/** The content of one file of the spool. `isUnreadable`: it exists and cannot be parsed or read. */
export interface Reading<T> {
  record: T | null
  isUnreadable: boolean
}

// The process lacks a resource, which says nothing about the file.
const SHORTAGES = ['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EINTR']

function readRecord<T>(
  schema: z.ZodType<T>,
  path: string,
): Reading<T> & { isThere: boolean; isEmpty: boolean } {
  let text: string | null = null
  try {
    text = readIfThere(path)
    const record = text === null ? null : schema.parse(JSON.parse(text))
    return { record, isUnreadable: false, isThere: text !== null, isEmpty: false }
  } catch (error) {
    const isDamage = isDiskFault(error) && !SHORTAGES.includes(errorCode(error))
    if (!isDamage && !(error instanceof SyntaxError) && !(error instanceof z.ZodError)) throw error
    return { record: null, isUnreadable: true, isThere: true, isEmpty: text === '' }
  }
}

const exitRecord = commandResult.strip()

export const readSpec = (paths: CommandPaths): Reading<SpecRecord> => readRecord(specRecord, paths.spec)
export const readExit = (paths: CommandPaths): Reading<CommandResult> => readRecord(exitRecord, paths.exit)

/** Reads the claim of a command. An empty one is valid and has no details: its author died or the disk was full. */
export function readClaim(paths: CommandPaths): Reading<StartedRecord> & { isClaimed: boolean } {
  const { record, isUnreadable, isThere, isEmpty } = readRecord(startedRecord, paths.started)
  return { record, isUnreadable: isUnreadable && !isEmpty, isClaimed: isThere }
}
