import type { NewRun, RunLimits, RunOrderView, Target } from '@rollcall/contracts/admin'

/** An earlier run, as far as it matters for requesting it again. */
export interface EarlierRun {
  /** Null where hosts were named. */
  target: Pick<Target, 'labels' | 'all'> | null
  limits: RunLimits | null
  /** All of them, of which there is at least one. */
  hostNames: readonly string[]
  command: Pick<NewRun, 'program' | 'args' | 'env' | 'cwd' | 'timeoutMs' | 'startWithinMs' | 'tty' | 'stdin'>
}

export function orderOf({ target, limits, hostNames, command }: EarlierRun): RunOrderView {
  const { program, args, env, cwd, timeoutMs, startWithinMs, tty, stdin } = command
  return {
    program,
    args,
    envNames: Object.keys(env).toSorted(),
    cwd,
    timeoutMs,
    startWithinMs,
    tty,
    stdin,
    target:
      target === null
        ? { hosts: [...hostNames] }
        : target.all
          ? { all: true }
          : { labels: target.labels ?? [] },
    limits,
  }
}

/** Several selectors must all hold, as must all terms of one. */
const toSelector = (labels: readonly string[] | undefined) => labels?.join(',') ?? ''

/**
 * Decides whether a run may take over the environment of an earlier one, whose values its requester has not seen: only to do the
 * same in the same places, or it could be used to read them. Returns the reason against it, or null.
 */
export function whyNotKept(
  request: Pick<NewRun, 'program' | 'args' | 'cwd' | 'hosts' | 'labels' | 'all'>,
  { target, hostNames, command }: EarlierRun,
): string | null {
  const { program, args, cwd } = request
  if (
    program !== command.program ||
    cwd !== command.cwd ||
    JSON.stringify(args) !== JSON.stringify(command.args)
  )
    return 'holds for the same program, arguments and folder only: give its values again for another one'
  const isSameTarget =
    target !== null && target.all === request.all && toSelector(target.labels) === toSelector(request.labels)
  const known = new Set(hostNames)
  const isWithin = request.hosts?.every((host) => known.has(host)) ?? isSameTarget
  return isWithin
    ? null
    : 'holds for the hosts or the labels of that run only: give its values again for others'
}
