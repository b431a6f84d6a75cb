import { sanitizeText } from '@rollcall/contracts'
import {
  groupByOutcome,
  type PlaybookHost,
  type PlaybookRunView,
  planVerdict,
  type TaskResult,
} from '@rollcall/contracts/admin'
import { foldHosts } from './host-ranges.ts'
import { table } from './table.ts'

/** The tasks of one command. */
export type LoadTasks = (commandId: string) => Promise<TaskResult[]>

/** Formats a playbook run: hosts with the same outcome together, with the tasks of the first of them. */
export async function playbookReport(view: PlaybookRunView, toTasks: LoadTasks): Promise<string> {
  const parts: string[] = []
  for (const group of groupByOutcome(view.hosts)) {
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

/** Formats the verdict of a plan. Nothing is known of hosts on which it failed. */
export function formatVerdict({ hosts, run }: Pick<PlaybookRunView, 'hosts' | 'run'>): string {
  const { total, planned, changing, failed } = planVerdict(hosts)
  const inAll = total === 1 ? '1 host' : `${total} hosts`
  if (planned === 0)
    return `The plan failed on all of ${inAll}, so it is not known what would change. See the failures above.\n`
  const gaps = failed > 0 ? ` The plan failed on ${failed}.` : ''
  if (changing === 0)
    return failed > 0 ? `On ${planned} of ${inAll} nothing would change.${gaps}\n` : 'Nothing would change.\n'
  return `${changing} of ${inAll} would change.${gaps} Apply it with: rollcall playbook apply ${run.id}\n`
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
  return `${indented(table(['STATUS', 'TASK', 'MESSAGE'], rows))}${diffs.map(formatDiff).join('')}`
}

const formatDiff = ({ name, diff }: TaskResult) =>
  indented(`\n${sanitizeText(name, 300)}\n${diff.split('\n').map(harmlessLine).join('\n')}`)

// Tabs are harmless, and meaningful in many files.
const harmlessLine = (line: string) =>
  line
    .split('\t')
    .map((part) => sanitizeText(part, 2000))
    .join('\t')

const indented = (text: string) => text.replace(/^(?=.)/gm, '  ')
