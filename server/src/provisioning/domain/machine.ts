import type { PreflightCheck } from './preflight-decision.ts'
import type { PreflightReport } from './preflight-report.ts'

/** The owner of the agent on a machine: `forgotten` is a host that this fleet deleted, `stranger` another fleet. */
export type AgentOwner = 'nobody' | 'us' | 'forgotten' | 'stranger' | { hostId: string }

/** The database's knowledge of the identifiers in a report. */
export interface OwnerFacts {
  fleetId: string
  /** The host that the agent is installed for; null if it is not in the fleet yet. */
  hostId: string | null
  /** True if the recorded owner is a host of the fleet. */
  isOwnerKnown: boolean
  /** The host with the agent's certificate; null if there is none. */
  certificateHolder: string | null
  /** True if the agent accepts servers of this fleet. */
  areServersOurs: boolean
}

/** Decides who owns the agent, by the recorded owner, or else by its certificate and servers. Pure. */
export function decideOwner(report: PreflightReport, facts: OwnerFacts): AgentOwner {
  const { agent_owner: owner, agent_certificate: certificate, agent_servers: servers } = report
  const by = (hostId: string): AgentOwner => (hostId === facts.hostId ? 'us' : { hostId })
  if (owner) {
    if (owner.fleetId !== facts.fleetId) return 'stranger'
    return facts.isOwnerKnown ? by(owner.hostId) : 'forgotten'
  }
  if (certificate === undefined && servers === undefined) return 'nobody'
  if (facts.certificateHolder !== null) return by(facts.certificateHolder)
  return facts.areServersOurs ? 'forgotten' : 'stranger'
}

/** Another host of the fleet with the same identifiers. */
export interface Twin {
  /** Null if the reader may not see it. */
  name: string | null
  hasSameKey: boolean
}

export interface MachineView {
  owner: AgentOwner
  /** The name of the agent's host; null if the reader may not see it. */
  ownerName: string | null
  twins: readonly Twin[]
  /** The conflicts that the user accepts. */
  allowed: { duplicate: boolean; takeOver: boolean }
}

/**
 * Decides whether a machine is, or is a clone of, another host's, and whether its agent belongs to someone else. Pure.
 */
export function decideMachine(view: MachineView): PreflightCheck[] {
  return [checkAgent(view), checkMachine(view)]
}

const describeName = (name: string | null) =>
  name ?? 'another host of this fleet (if you may see it, "rollcall host show" names it)'

function checkMachine({ owner, twins, allowed }: MachineView): PreflightCheck {
  const name = 'machine'
  const [twin] = twins
  // The agent is ours, so the host was here first; the conflict is reported to whoever adds the copy.
  if (!twin || owner === 'us') return { name, ok: true, code: null, message: 'no other host of the fleet' }
  const message = describeTwin(twin)
  if (allowed.duplicate)
    return { name, ok: true, code: null, message: `${message} Accepted by --allow-duplicate.` }
  return { name, ok: false, code: 'host.same_machine', message: `${message} ${OWN_IDENTITY}` }
}

const OWN_IDENTITY =
  'If it is the same machine, use the existing host. If it is a clone, give it its own identity: remove /etc/machine-id and /etc/ssh/ssh_host_*, run "systemd-machine-id-setup" and "ssh-keygen -A", and reboot it. To add it anyway: --allow-duplicate.'

export const describeTwin = ({ name, hasSameKey }: Twin): string =>
  hasSameKey
    ? `It has the SSH host key of ${describeName(name)}: it is the same machine under two names, or a clone.`
    : `It has the machine id of ${describeName(name)} but another SSH host key: it is a clone, or the same machine with new keys.`

function checkAgent({ owner, ownerName, allowed }: MachineView): PreflightCheck {
  const name = 'agent'
  const isTaken = owner === 'stranger' || typeof owner === 'object'
  if (!isTaken) {
    const message = owner === 'us' ? "this host's own" : owner === 'nobody' ? 'none yet' : 'of a deleted host'
    return { name, ok: true, code: null, message }
  }
  const whose = owner === 'stranger' ? 'another Rollcall server' : describeName(ownerName)
  if (allowed.takeOver)
    return { name, ok: true, code: null, message: `taken over from ${whose}, accepted by --take-over` }
  return {
    name,
    ok: false,
    code: 'host.agent_taken',
    message: `its agent belongs to ${whose}, which would lose it. Remove one of the two, or take the agent over: --take-over.`,
  }
}

/** The identifiers of a machine. */
export interface MachineIdentifiers {
  hostKey: string | null
  /** The machine id as the host reports it; undefined if it has none. */
  machineId: string | undefined
}

/** A host of the fleet with one of the identifiers. */
export interface IdentifiedHost {
  id: string
  name: string
  labels: Record<string, string>
  hasSameKey: boolean
}
