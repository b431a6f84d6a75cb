import { z } from 'zod'

/**
 * The effect of a call that is sent twice:
 * - `read`: nothing changes on the host.
 * - `idempotent`: the second call with the same id finds the work of the first.
 * There is no third kind, so a call whose answer was lost may always be repeated.
 */
export type Effect = 'read' | 'idempotent'

export interface AgentMethod<
  Params extends z.ZodType = z.ZodType,
  Result extends z.ZodType = z.ZodType,
  Routes extends readonly string[] = readonly string[],
> {
  summary: string
  params: Params
  result: Result
  /** The REST routes by which people reach it; none for a method that only the server itself calls. */
  reachedBy: Routes
  effect: Effect
  /** How long a caller waits for the answer, in milliseconds, beyond a `wait_ms` of its own. */
  timeoutMs: number
}

/** Declares a method. Its caller waits for half a minute unless it says otherwise. */
export const defineMethod = <
  Params extends z.ZodType,
  Result extends z.ZodType,
  const Routes extends readonly string[],
>(
  method: Omit<AgentMethod<Params, Result, Routes>, 'timeoutMs'> & { timeoutMs?: number },
): AgentMethod<Params, Result, Routes> => ({ timeoutMs: 30_000, ...method })

export const noParams = z.strictObject({})
