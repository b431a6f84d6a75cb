import { uuid } from '@rollcall/contracts'
import { containerEngineName } from '@rollcall/contracts/agent'
import { z } from 'zod'

const id = uuid
const size = z.int().min(1).max(1000)

/** A message from the agent to the runner: one line of JSON in the FIFO. Each may be repeated, since the spool holds the facts. */
const runnerMessage = z.discriminatedUnion('op', [
  z.object({ op: z.literal('start'), id }),
  z.object({ op: z.literal('cancel'), id }),
  /** `input` has grown, or `input-end` was created. */
  z.object({ op: z.literal('input'), id }),
  z.object({ op: z.literal('resize'), id, columns: size, rows: size }),
  /** Search the spool for commands to start and commands that are lost. */
  z.object({ op: z.literal('scan') }),
  /** Scan these engines for containers, and write a report. */
  z.object({ op: z.literal('containers'), engines: z.array(containerEngineName) }),
  /** A file transfer has new content, or has ended. */
  z.object({ op: z.literal('transfer'), id }),
])
export type RunnerMessage = z.infer<typeof runnerMessage>
export type CommandMessage = Exclude<RunnerMessage, { op: 'containers' | 'transfer' }>

/** Up to this many bytes are written to a FIFO atomically. */
export const PIPE_BUF = 4096

/** Parses a line. Returns null if it is no message, such as half a line of a killed agent. */
export function parseMessage(line: string): RunnerMessage | null {
  try {
    return runnerMessage.safeParse(JSON.parse(line)).data ?? null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}
