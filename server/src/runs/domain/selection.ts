import { RollcallError } from '@rollcall/contracts'
import {
  type HostState,
  type LabelTerm,
  MAX_HOSTS_PER_RUN,
  matchesLabels,
  PREVIEWED_HOSTS,
  parseSelector,
  type SkippedHost,
  type TargetPreview,
} from '@rollcall/contracts/admin'

/** A host of the fleet, as far as it matters for being chosen. */
export interface Candidate {
  id: string
  name: string
  labels: Readonly<Record<string, string>>
  state: HostState
  isInstalled: boolean
}

/** By labels, where given; otherwise all. */
export interface Selector {
  labels?: readonly string[] | undefined
}

/**
 * Selects the hosts that fit, in the order given, and those that fit but cannot run anything. Pure. Throws `host.none_selected`
 * when none fits, `host.not_installed` when none of those that fit can run anything, `request.invalid` for too many.
 */
export function select<C extends Candidate>(candidates: readonly C[], { labels }: Selector) {
  const terms = (labels ?? []).flatMap(toTerms)
  const fitting = candidates.filter((host) => matchesLabels(terms, host.labels))
  const chosen = fitting.filter((host) => whyNot(host) === null)
  const skipped = fitting.flatMap((host): SkippedHost[] => {
    const reason = whyNot(host)
    return reason === null ? [] : [{ host: host.name, reason }]
  })
  const what = labels ? `the labels ${labels.map((label) => `"${label}"`).join(' and ')}` : 'all'
  const field = labels ? 'labels' : 'all'
  if (fitting.length === 0)
    throw new RollcallError(
      'host.none_selected',
      labels
        ? `No host has ${what}. "rollcall host list" shows the labels of each.`
        : 'There are no hosts yet. "rollcall host add --help" shows how to add one.',
      { fields: [{ field, message: 'fits no host' }] },
    )
  const [first, ...others] = chosen
  if (!first)
    throw new RollcallError(
      'host.not_installed',
      `No agent is installed on any of the ${skipped.length} hosts that fit ${what}: ${listOf(skipped)}. Wait for the installation, or repeat it with "rollcall host install NAME".`,
      { fields: [{ field, message: 'fits only hosts without an agent' }] },
    )
  if (chosen.length > MAX_HOSTS_PER_RUN)
    throw new RollcallError(
      'request.invalid',
      `${chosen.length} hosts fit ${what}, and a run takes at most ${MAX_HOSTS_PER_RUN}. Split it by labels.`,
      {
        fields: [{ field, message: `fits ${chosen.length} hosts, at most ${MAX_HOSTS_PER_RUN} are allowed` }],
      },
    )
  return { chosen: [first, ...others] as [C, ...C[]], skipped }
}

/** Converts a selection to what is shown before a run begins. */
export function toPreview({
  chosen,
  skipped,
}: {
  chosen: readonly { name: string }[]
  skipped: readonly SkippedHost[]
}) {
  return {
    total: chosen.length,
    hosts: chosen.slice(0, PREVIEWED_HOSTS).map(({ name }) => name),
    skippedTotal: skipped.length,
    skipped: skipped.slice(0, PREVIEWED_HOSTS),
  } satisfies TargetPreview
}

function toTerms(selector: string): LabelTerm[] {
  const terms = parseSelector(selector)
  if (typeof terms !== 'string') return terms
  throw new RollcallError('request.invalid', `The label selector "${selector}" ${terms}.`, {
    fields: [{ field: 'labels', message: terms }],
  })
}

function whyNot({ state, isInstalled }: Candidate): string | null {
  if (state === 'removing') return 'it is being removed'
  if (isInstalled) return null
  return state === 'installing' ? 'its agent is still being installed' : 'no agent is installed on it'
}

const listOf = (skipped: readonly SkippedHost[]) =>
  skipped
    .slice(0, 20)
    .map(({ host }) => host)
    .join(', ')
