import { z } from 'zod'

/**
 * The effect of a call that is sent twice:
 * - `read`: nothing changes on the host.
 * - `idempotent`: the second call with the same id finds the work of the first.
 * There is no third kind, so every call may be sent again when its answer was lost.
 */
export type Effect = 'read' | 'idempotent'

export interface AgentMethod<Params extends z.ZodType = z.ZodType, Result extends z.ZodType = z.ZodType> {
  summary: string
  params: Params
  result: Result
  effect: Effect
  /** How long a caller waits for the answer, in milliseconds, beyond a `wait_ms` of its own. */
  timeoutMs: number
}

export const defineMethod = <Params extends z.ZodType, Result extends z.ZodType>(
  method: AgentMethod<Params, Result>,
): AgentMethod<Params, Result> => method

export const noParams = z.strictObject({})
