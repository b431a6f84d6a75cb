import type { PreflightCheck } from './preflight-decision.ts'
import type { PreflightReport } from './preflight-report.ts'

/** Whose the agent on a machine is. `forgotten`: of a host that this fleet has no more. `stranger`: of another fleet's. */
export type AgentOwner = 'nobody' | 'us' | 'forgotten' | 'stranger' | { hostId: string }

/** What the database says of the signs that a report bears. */
export interface OwnerFacts {
  fleetId: string
  /** The host that the agent there is wanted for; null for one that is not in the fleet yet. */
  hostId: string | null
  /** Whether the host that is written down there is in the fleet. */
  isOwnerKnown: boolean
  /** Whose certificate the agent there has; null for nobody's. */
  certificateHolder: string | null
  /** Whether it answers servers of this fleet. */
  areServersOurs: boolean
}

/** Decides whose the agent is: by what was written down, and where nothing was, by its certificate and its servers. */
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

/** Another host of the fleet that shows the same signs. */
export interface Twin {
  /** Null where it may not be told. */
  name: string | null
  hasSameKey: boolean
}

export interface MachineView {
  owner: AgentOwner
  /** The name of the host whose the agent is; null where it may not be told. */
  ownerName: string | null
  twins: readonly Twin[]
  /** What is taken on purpose. */
  allowed: { duplicate: boolean; takeOver: boolean }
}

/** Decides whether a machine is, or was copied from, that of another host, and whether its agent is somebody else's. */
export function decideMachine(view: MachineView): PreflightCheck[] {
  return [agent(view), machine(view)]
}

const nameOf = (name: string | null) =>
  name ?? 'another host of this fleet ("rollcall host show" of this one names it to whoever may see it)'

function machine({ owner, twins, allowed }: MachineView): PreflightCheck {
  const name = 'machine'
  const [twin] = twins
  // Whose agent is there was here before: a copy of it is told to whoever adds that.
  if (!twin || owner === 'us') return { name, ok: true, code: null, message: 'no other host of the fleet' }
  const message = whatTwin(twin)
  if (allowed.duplicate) return { name, ok: true, code: null, message: `${message} It is taken on purpose.` }
  return { name, ok: false, code: 'host.same_machine', message: `${message} ${OWN_IDENTITY}` }
}

const OWN_IDENTITY =
  'If it is the same machine, use the host that there is. If it is a copy, give it an identity of its own: remove /etc/machine-id and /etc/ssh/ssh_host_*, run "systemd-machine-id-setup" and "ssh-keygen -A", and restart it. To take it all the same: --allow-duplicate.'

export const whatTwin = ({ name, hasSameKey }: Twin): string =>
  hasSameKey
    ? `It shows the SSH host key of ${nameOf(name)}: it is the same machine under two names, or a copy of it.`
    : `It has the machine id of ${nameOf(name)}, and another SSH host key: it is a clone of it, or the same machine with new keys.`

function agent({ owner, ownerName, allowed }: MachineView): PreflightCheck {
  const name = 'agent'
  const isTaken = owner === 'stranger' || typeof owner === 'object'
  if (!isTaken) {
    const message =
      owner === 'us' ? "this host's own" : owner === 'nobody' ? 'none yet' : 'of a host that was forgotten'
    return { name, ok: true, code: null, message }
  }
  const whose = owner === 'stranger' ? 'another Rollcall server' : nameOf(ownerName)
  if (allowed.takeOver) return { name, ok: true, code: null, message: `taken over from ${whose} on purpose` }
  return {
    name,
    ok: false,
    code: 'host.agent_taken',
    message: `the agent on it belongs to ${whose}, which would lose it. Remove one of the two; to take it over on purpose: --take-over.`,
  }
}

/** What tells one machine from another. */
export interface MachineSigns {
  hostKey: string | null
  /** As the host says it; undefined where it has none. */
  machineId: string | undefined
}

/** A host of the fleet that bears one of the signs. */
export interface BearerOfSigns {
  id: string
  name: string
  labels: Record<string, string>
  hasSameKey: boolean
}
