import { uuid } from '@rollcall/contracts'
import { containerEngineName } from '@rollcall/contracts/agent'
import { z } from 'zod'

const id = uuid
const size = z.int().min(1).max(1000)

/** What the agent tells the runner, one JSON object a line in the FIFO. Each is repeatable; the spool holds the facts. */
export const runnerOrder = z.discriminatedUnion('op', [
  z.object({ op: z.literal('start'), id }),
  z.object({ op: z.literal('cancel'), id }),
  /** There is more in `input`, or `input-end` has appeared. */
  z.object({ op: z.literal('input'), id }),
  z.object({ op: z.literal('resize'), id, columns: size, rows: size }),
  /** Look through the spool for what is startable or lost. */
  z.object({ op: z.literal('scan') }),
  /** Ask these engines for their containers, and leave a report. */
  z.object({ op: z.literal('containers'), engines: z.array(containerEngineName) }),
  /** Look what is to be done about a transfer of files. */
  z.object({ op: z.literal('transfer'), id }),
])
export type RunnerOrder = z.infer<typeof runnerOrder>
export type CommandOrder = Exclude<RunnerOrder, { op: 'containers' | 'transfer' }>

/** The kernel writes up to this many bytes to a FIFO whole, never mixed with another writer's. */
export const PIPE_BUF = 4096

/** One order out of a line; null for anything else, such as half a line that a killed agent left. */
export function parseOrder(line: string): RunnerOrder | null {
  try {
    return runnerOrder.safeParse(JSON.parse(line)).data ?? null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}
