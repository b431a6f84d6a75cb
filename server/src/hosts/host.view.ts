import { sanitizeText } from '@rollcall/contracts'
import type { HostView } from '@rollcall/contracts/admin'
import type { Host } from './domain/host.ts'

/** Converts a host to its public view, without credentials. */
export function toHostView(host: Host): HostView {
  const { id, name, address, port, user, labels, state, stateCode, hostKey, agent } = host
  const { heartbeatProfile, autoReinstall, lastProvisioning } = host
  return {
    id,
    name,
    address,
    port,
    user,
    labels,
    state,
    stateCode,
    stateReason: host.stateReason && sanitizeText(host.stateReason, 2000),
    stateSince: host.stateSince.toISOString(),
    hostKey,
    agent: agent && {
      port: agent.port,
      nextPort: agent.nextPort,
      certificatePin: agent.certificatePin,
      version: agent.version,
      architecture: agent.architecture,
      installedAt: agent.installedAt?.toISOString() ?? null,
      lastAnswerAt: agent.lastAnswerAt?.toISOString() ?? null,
      credentialsAt: agent.credentialsAt.toISOString(),
      rotatedAt: agent.rotatedAt?.toISOString() ?? null,
    },
    heartbeatProfile,
    autoReinstall,
    lastProvisioning,
    createdAt: host.createdAt.toISOString(),
  }
}
