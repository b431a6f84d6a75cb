import { type LabelTerm, toTermText } from '@rollcall/contracts/admin'
import type { Check, FilterName } from './check.ts'
import type { PlacementContext } from './context.ts'
import { markValues } from './value-column.ts'
import type { PlacementRequest } from './view.ts'

/** Lists what is asked of a host whatever is on it. */
export function hostFilters(request: PlacementRequest, context: PlacementContext): Check[] {
  const { fleet } = context
  const terms = (filter: FilterName, all: readonly LabelTerm[], toMarks: (term: LabelTerm) => Uint8Array) =>
    all.map((term) => toCheck(filter, toTermText(term), toMarks(term)))
  const common = [
    ...stateChecks(context),
    ...agentChecks(request, context),
    architectureCheck(request, context),
    engineCheck(request, context),
  ]
  return [
    ...common.map((check) => ({ ...check, isCommon: true })),
    ...terms('selector', request.select, (term) => fleet.matches(term)),
    ...terms('constraints', request.constraints, (term) => fleet.meets(term)),
  ]
}

function toCheck(
  filter: FilterName,
  detail: string,
  marks: Uint8Array,
  evidence?: (at: number) => string | null,
): Check {
  const check = { filter, detail, marks, fails: (at: number) => marks[at] === 0 }
  return evidence ? { ...check, evidence } : check
}

function stateChecks({ fleet, now }: PlacementContext): Check[] {
  const settled = fleet.keep('settled', () => {
    const marks = new Uint8Array(fleet.size).fill(1)
    for (const at of fleet.settling) if ((fleet.host(at).settlesAt ?? now) > now) marks[at] = 0
    return marks
  })
  return [
    toCheck('state', 'online', fleet.online, (at) => {
      const { state, isBusy } = fleet.host(at)
      return isBusy ? 'busy' : state
    }),
    toCheck('state', 'open for instances', fleet.open, (at) =>
      fleet.host(at).isDrained ? 'drained' : 'open',
    ),
    toCheck('state', 'settled', settled, (at) => {
      const { settlesAt } = fleet.host(at)
      return settlesAt === null || settlesAt <= now
        ? 'settled'
        : `until ${settlesAt.toISOString().slice(11, 19)}`
    }),
  ]
}

function agentChecks({ minProtocol }: PlacementRequest, { fleet }: PlacementContext): Check[] {
  if (minProtocol <= 0) return []
  const knows = fleet.keep(`protocol ${minProtocol}`, () =>
    markValues(fleet.protocols, (protocol) => (protocol ?? 0) >= minProtocol),
  )
  return [
    toCheck(
      'agent',
      `protocol ${minProtocol}`,
      knows,
      (at) => `protocol ${fleet.host(at).protocol ?? 'unknown'}`,
    ),
  ]
}

function architectureCheck({ architectures }: PlacementRequest, { fleet }: PlacementContext): Check {
  const detail = architectures.join(' or ')
  const fits = fleet.keep(`architecture ${detail}`, () =>
    markValues(fleet.architectures, (value) => value !== null && architectures.includes(value)),
  )
  return toCheck('architecture', detail, fits, (at) => fleet.host(at).architecture ?? 'not reported yet')
}

function engineCheck({ engines }: PlacementRequest, { fleet }: PlacementContext): Check {
  const detail = engines.join(' or ')
  const fits = fleet.keep(`engine ${detail}`, () =>
    markValues(fleet.engines, (value) => value !== null && engines.includes(value)),
  )
  return toCheck('engine', detail, fits, (at) => fleet.host(at).engine ?? 'none')
}
