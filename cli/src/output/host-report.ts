import { sanitizeText } from '@rollcall/contracts'
import type { HostFacts, HostStatus, HostVitals } from '@rollcall/contracts/admin'
import type { OpenPort } from '@rollcall/contracts/agent'
import { durationText } from '../options/duration.ts'
import { formatAge, formatDuration } from './format-command.ts'
import { formatContainerPorts, formatContainerStatus } from './format-container.ts'
import { formatClockOffset, formatState } from './format-host.ts'
import { formatBar, formatRoughDuration, formatSize } from './format-measure.ts'
import { fieldList, table } from './table.ts'

/** From here on what a host's log says happened at another time than ours. */
const CLOCK_WARNING_MS = 1000
/** All ports of one address stand in one cell. */
const MAX_CELL = 4000
const SHORT_CONTAINER_ID = 12

interface Setting {
  now: number
  /** True if shares are drawn as bars as well. */
  hasBars: boolean
}

/** A host's facts and vitals on one page. */
export function hostReport(status: HostStatus, setting: Setting): string {
  const { vitals, facts } = status
  const sections = [
    fieldList([
      ...stateFields(status, setting.now),
      ...hostFields(status, setting),
      ...callFields(status, setting.now),
    ]),
    vitals && disksSection(vitals, setting),
    facts && portsSection(facts),
    facts && containersSection(facts, setting.now + (status.clockOffsetMs ?? 0)),
  ]
  return sections.filter(Boolean).join('\n')
}

type Field = readonly [name: string, value: string | null | undefined]

const stateFields = (status: HostStatus, now: number): Field[] => [
  ['Host', status.host.name],
  ['State', `${formatState(status)}, for ${formatAge(status.stateSince, now)}`],
  ['Reason', status.stateReason],
  ['WARNING', staleWords(status, now)],
]

/** Formats a warning that the values are stale; null if they are not. */
function staleWords({ areValuesStale, lastAnswerAt, facts, vitals }: HostStatus, now: number): string | null {
  if (!areValuesStale || lastAnswerAt === null || !(facts ?? vitals)) return null
  return `the host does not answer: the values below are ${formatAge(lastAnswerAt, now)} old`
}

function hostFields({ facts, vitals, clockOffsetMs }: HostStatus, { hasBars }: Setting): Field[] {
  if (!facts && !vitals) return [['Values', 'none yet: its agent has not answered a call']]
  const share = (percent: number) => `${hasBars ? `${formatBar(percent)} ` : ''}${Math.round(percent)} %`
  return [
    ['System', facts && `${facts.os.name}, Linux ${facts.kernel}, ${facts.architecture}`],
    ['Hostname', facts?.hostname],
    ['Time zone', facts?.timeZone],
    ['Clock', clockField(clockOffsetMs)],
    ['Uptime', vitals && formatDuration(vitals.uptimeS * 1000)],
    [
      'Load',
      vitals &&
        `${vitals.load.map((load) => load.toFixed(2)).join(' ')}${facts ? ` on ${formatCores(facts)}` : ''}`,
    ],
    ['CPU', vitals && (vitals.cpuPercent === null ? 'not measured yet' : share(vitals.cpuPercent))],
    ['Memory', vitals && `${share(vitals.memoryPercent)}, ${formatMemory(vitals)}`],
    ['Swap', vitals && formatSwap(vitals, share)],
    ['Commands', vitals && `${vitals.runningCommands} running`],
  ]
}

const formatCores = ({ cores }: HostFacts) => (cores === 1 ? '1 core' : `${cores} cores`)

const formatMemory = ({ memory: { totalBytes, availableBytes } }: HostVitals) =>
  `${formatSize(Math.max(0, totalBytes - availableBytes))} of ${formatSize(totalBytes)}`

function formatSwap(
  { memory: { swapTotalBytes, swapFreeBytes } }: HostVitals,
  share: (percent: number) => string,
) {
  if (swapTotalBytes === 0) return 'none'
  const used = Math.max(0, swapTotalBytes - swapFreeBytes)
  return `${share((100 * used) / swapTotalBytes)}, ${formatSize(used)} of ${formatSize(swapTotalBytes)}`
}

function clockField(offsetMs: number | null): string | null {
  if (offsetMs === null) return null
  if (Math.abs(offsetMs) <= CLOCK_WARNING_MS) return formatClockOffset(offsetMs)
  return `${formatClockOffset(offsetMs)}. WARNING: more than a second; "timedatectl" on the host says whether it is synchronised`
}

const callFields = (status: HostStatus, now: number): Field[] => [
  ['Agent', status.facts?.agentVersion],
  ['Last answer', formatLastAnswer(status, now)],
  ['Next call', formatNextCall(status, now)],
  ['Heartbeat', status.heartbeat && formatHeartbeat(status.heartbeat)],
  ['Reinstall', status.autoReinstall ? 'automatic, if it is silent while SSH works' : 'only on request'],
]

function formatLastAnswer({ lastAnswerAt, roundTripMs }: HostStatus, now: number): string {
  if (lastAnswerAt === null) return 'never'
  return `${formatAge(lastAnswerAt, now)} ago${roundTripMs === null ? '' : `, within ${formatDuration(roundTripMs)}`}`
}

function formatNextCall({ nextCallAt }: HostStatus, now: number): string | null {
  if (nextCallAt === null) return null
  const inMs = Date.parse(nextCallAt) - now
  return inMs < 1000 ? 'now' : `in ${formatRoughDuration(inMs)} at the latest`
}

function formatHeartbeat({
  profile,
  minMs,
  maxMs,
  offlineAfterMs,
}: HostStatus['heartbeat'] & object): string {
  const offline =
    offlineAfterMs === null ? 'when all retries failed' : `after ${durationText(offlineAfterMs)}`
  return `profile ${profile}: every ${durationText(minMs)} to ${durationText(maxMs)}, offline ${offline}`
}

function disksSection({ disks }: HostVitals, { hasBars }: Setting): string {
  if (disks.length === 0) return 'Disks: none reported\n'
  const rows = disks.map(({ mount, filesystem, totalBytes, availableBytes }) => {
    const percent = totalBytes > 0 ? (100 * (totalBytes - availableBytes)) / totalBytes : 0
    return [
      mount,
      filesystem,
      formatSize(totalBytes),
      formatSize(availableBytes),
      `${hasBars ? `${formatBar(percent, 10)} ` : ''}${Math.round(percent)} %`,
    ]
  })
  return table(['DISK', 'TYPE', 'SIZE', 'AVAILABLE', 'USED'], rows)
}

/** Ports that are open at the same addresses stand together. */
function portsSection({ openPorts, areOpenPortsCut }: HostFacts): string {
  if (openPorts === null) return 'Open ports: not known\n'
  if (openPorts.length === 0) return 'Open ports: none\n'
  const addressesOf = Map.groupBy(openPorts, ({ protocol, port }) => `${protocol} ${port}`)
  const groups = new Map<string, { protocol: string; at: string; ports: number[] }>()
  for (const open of addressesOf.values()) {
    const { protocol, port } = open[0] as OpenPort
    const at = [...new Set(open.map(({ address }) => address))].toSorted().join(', ')
    const group = groups.get(`${protocol} ${at}`) ?? { protocol, at, ports: [] }
    group.ports.push(port)
    groups.set(`${protocol} ${at}`, group)
  }
  const rows = [...groups.values()].map(({ protocol, at, ports }) => [
    protocol,
    at,
    ports.toSorted((one, other) => one - other).join(', '),
  ])
  const rest = areOpenPortsCut ? '… and more that the agent does not report\n' : ''
  return table(['OPEN', 'AT', 'PORTS'], rows, MAX_CELL) + rest
}

function containersSection({ containers, containerEngines }: HostFacts, hostNow: number): string {
  const failures = containerEngines
    .filter(({ failure }) => failure !== null)
    .map(
      ({ name, failure }) =>
        `The latest scan of ${name} failed, so this is the previous one: ${clean(failure)}\n`,
    )
    .join('')
  if (containers === null) return `Containers: not known\n${failures}`
  if (containers.length === 0) return `Containers: none\n${failures}`
  const rows = containers.map((container) => [
    container.id.slice(0, SHORT_CONTAINER_ID),
    container.image,
    formatContainerStatus(container, hostNow),
    formatContainerPorts(container),
    container.name,
    container.engine,
  ])
  const total = containerEngines.reduce((sum, engine) => sum + engine.total, 0)
  const rest = total > containers.length ? `… and ${total - containers.length} more\n` : ''
  return `${table(['CONTAINER ID', 'IMAGE', 'STATUS', 'PORTS', 'NAME', 'ENGINE'], rows)}${rest}${failures}`
}

const clean = (text: string | null) => sanitizeText(text ?? '', 500)
