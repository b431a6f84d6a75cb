import type { AgentView, HostState, HostView } from '@rollcall/contracts/admin'
import { HOST_STATES } from '@rollcall/contracts/admin/hosts/schemas'
import { formatDuration } from './format-command.ts'

/** Formats an address as for ssh, with the port unless it is 22. */
export function formatAddress({ address, port }: Pick<HostView, 'address' | 'port'>): string {
  if (port === 22) return address
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** Formats the port of an agent: `21000`, or `21000, moving to 7000`. */
export const formatPort = ({ port, nextPort }: NonNullable<HostView['agent']>) =>
  nextPort === null ? String(port) : `${port}, moving to ${nextPort}`

/** Formats a state, with its code if that says more: `degraded (host.cpu_high)`. */
export function formatState({ state, stateCode }: Pick<AgentView, 'state' | 'stateCode'>): string {
  const saysMore = state !== 'online' && stateCode !== null && !stateCode.endsWith(`.${state}`)
  return saysMore ? `${state} (${stateCode})` : state
}

/** Formats a reason with its code: `There is no python3. (host.no_python)`; undefined if there is none. */
export function formatReason(reason: string | null, code: string | null): string | undefined {
  if (reason === null) return code ?? undefined
  return code === null ? reason : `${reason} (${code})`
}

/** Formats the difference between a host's clock and the server's: `3.4 s behind`. */
export const formatClockOffset = (offsetMs: number) =>
  Math.abs(offsetMs) < 0.5
    ? 'exact'
    : `${formatDuration(Math.abs(offsetMs))} ${offsetMs > 0 ? 'ahead' : 'behind'}`

/** Formats how many hosts are in each state: `2 online, 1 offline`. */
export const formatStateCounts = (states: Partial<Record<HostState, number>>) =>
  HOST_STATES.filter((state) => states[state])
    .map((state) => `${states[state]} ${state}`)
    .join(', ')
