import type { AgentView, HostState, HostView } from '@rollcall/contracts/admin'
import { HOST_STATES } from '@rollcall/contracts/admin/hosts/schemas'
import { formatDuration } from './format-command.ts'

/** As one would give it to ssh, the port only where it is not 22. */
export function formatAddress({ address, port }: Pick<HostView, 'address' | 'port'>): string {
  if (port === 22) return address
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** `21000`, and where the agent is being moved `21000, being moved to 7000`. */
export const formatPort = ({ port, nextPort }: NonNullable<HostView['agent']>) =>
  nextPort === null ? String(port) : `${port}, being moved to ${nextPort}`

/** A state, with its code where that says more: `degraded (host.cpu_high)`. */
export function formatState({ state, stateCode }: Pick<AgentView, 'state' | 'stateCode'>): string {
  const saysMore = state !== 'online' && stateCode !== null && !stateCode.endsWith(`.${state}`)
  return saysMore ? `${state} (${stateCode})` : state
}

/** Why, with the code behind it: `There is no python3. (host.no_python)`. Undefined when nothing is known. */
export function formatReason(reason: string | null, code: string | null): string | undefined {
  if (reason === null) return code ?? undefined
  return code === null ? reason : `${reason} (${code})`
}

/** A host's clock beside the server's: `3.4 s behind`. */
export const formatClockOffset = (offsetMs: number) =>
  Math.abs(offsetMs) < 0.5
    ? 'exact'
    : `${formatDuration(Math.abs(offsetMs))} ${offsetMs > 0 ? 'ahead' : 'behind'}`

/** `2 online, 1 offline`: the states that any host is in. */
export const formatStateCounts = (states: Partial<Record<HostState, number>>) =>
  HOST_STATES.filter((state) => states[state])
    .map((state) => `${states[state]} ${state}`)
    .join(', ')
