import { sanitizeText } from '@rollcall/contracts'
import {
  type PlaybookHost,
  type PlaybookRunView,
  planVerdict,
  type TaskResult,
} from '@rollcall/contracts/admin'
import { foldHosts } from './host-ranges.ts'
import { table } from './table.ts'

/** The tasks of one command. */
export type LoadTasks = (commandId: string) => Promise<TaskResult[]>

/** Hosts that came out alike are told of once, with the tasks of the first of them. */
export async function playbookReport(view: PlaybookRunView, toTasks: LoadTasks): Promise<string> {
  const parts: string[] = []
  for (const group of toGroups(view.hosts)) {
    const [first] = group
    if (!first) continue
    const tasks = await toTasks(first.commandId)
    const overSsh = first.way === 'ssh' ? ' over SSH' : ''
    parts.push(`${foldHosts(group.map(({ host }) => host))}${overSsh}: ${formatOutcome(first)}\n`)
    if (first.reason !== null && first.state !== 'success')
      parts.push(`  ${sanitizeText(first.reason, 1000)}\n`)
    parts.push(formatTasks(tasks))
  }
  if (view.mode === 'plan') parts.push(formatVerdict(view))
  return parts.join('')
}

/** What the plan comes to; of hosts on which it failed nothing is known. */
export function formatVerdict({ hosts, run }: Pick<PlaybookRunView, 'hosts' | 'run'>): string {
  const { total, planned, changing, failed } = planVerdict(hosts)
  const inAll = total === 1 ? '1 host' : `${total} hosts`
  if (planned === 0)
    return `The plan could be made on none of ${inAll}: what would be changed is not known. See above what failed.\n`
  const gaps = failed > 0 ? ` On ${failed} the plan could not be made.` : ''
  if (changing === 0)
    return failed > 0
      ? `On ${planned} of ${inAll} nothing would be changed.${gaps}\n`
      : 'Nothing would be changed.\n'
  return `${changing} of ${inAll} would be changed.${gaps} Do it with: rollcall playbook apply ${run.id}\n`
}

function toGroups(hosts: readonly PlaybookHost[]): PlaybookHost[][] {
  const groups = Map.groupBy(
    hosts,
    ({ state, way, digest, commandId }) => `${state} ${way} ${digest ?? commandId}`,
  )
  return [...groups.values()].sort((a, b) => b.length - a.length)
}

function formatOutcome({ state, totals }: PlaybookHost): string {
  if (!totals) return state
  const counts = Object.entries(totals).filter(([name, count]) => count > 0 || name === 'changed')
  return `${state}, ${counts.map(([name, count]) => `${name}=${count}`).join(' ')}`
}

function formatTasks(tasks: readonly TaskResult[]): string {
  if (tasks.length === 0) return ''
  const rows = tasks.map(({ status, isIgnored, isHidden, name, message }) => [
    isIgnored ? `${status} (ignored)` : status,
    name,
    isHidden ? '(hidden)' : (message.split('\n')[0] ?? ''),
  ])
  const diffs = tasks.filter(({ diff }) => diff !== '')
  return `${indented(table(['STATUS', 'TASK', 'WHAT IT SAYS'], rows))}${diffs.map(formatDiff).join('')}`
}

const formatDiff = ({ name, diff }: TaskResult) =>
  indented(`\n${sanitizeText(name, 300)}\n${diff.split('\n').map(harmlessLine).join('\n')}`)

// A tabulator is no danger and means something in many files.
const harmlessLine = (line: string) =>
  line
    .split('\t')
    .map((part) => sanitizeText(part, 2000))
    .join('\t')

const indented = (text: string) => text.replace(/^(?=.)/gm, '  ')
