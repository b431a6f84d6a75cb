import type { HostContainer } from '@rollcall/contracts/admin'
import { formatRoughAge } from './format-measure.ts'

/** Formats a container's state like `podman ps`: `Up 3 h (healthy)`, `Exited (1) 5 min ago`, `Created`. `hostNow` is the host's clock. */
export function formatContainerStatus(container: HostContainer, hostNow: number): string {
  const { state, health, startedAt, endedAt, exitCode } = container
  const word = state.charAt(0).toUpperCase() + state.slice(1)
  if (state === 'running' || state === 'paused') {
    const since = startedAt ? ` ${formatRoughAge(startedAt, hostNow)}` : ''
    const note = health ?? (state === 'paused' ? 'paused' : null)
    return `Up${since}${note ? ` (${note})` : ''}`
  }
  const code = exitCode === null ? '' : ` (${exitCode})`
  return `${word}${code}${endedAt ? ` ${formatRoughAge(endedAt, hostNow)} ago` : ''}`
}

/** Formats ports like `podman ps`: `0.0.0.0:8080->80/tcp, [::]:7000-7002->7000-7002/udp`. */
export function formatContainerPorts({ ports, arePortsCut }: HostContainer): string {
  const shown = ports.map(({ protocol, hostAddress, hostPort, containerPort, count }) => {
    const address = hostAddress.includes(':') ? `[${hostAddress}]` : hostAddress
    return `${address}:${range(hostPort, count)}->${range(containerPort, count)}/${protocol}`
  })
  return [...shown, ...(arePortsCut ? ['…'] : [])].join(', ')
}

const range = (first: number, count: number) => (count > 1 ? `${first}-${first + count - 1}` : String(first))
