import { sanitizeText } from '@rollcall/contracts'
import type { PlaybookHost, PlaybookRunView, TaskResult } from '@rollcall/contracts/admin'
import { foldHosts } from './host-ranges.ts'
import { table } from './table.ts'

/** The tasks of one command. */
export type TasksOf = (commandId: string) => Promise<TaskResult[]>

/** Hosts that came out alike are told of once, with the tasks of the first of them. */
export async function playbookReport(view: PlaybookRunView, tasksOf: TasksOf): Promise<string> {
  const parts: string[] = []
  for (const group of groupsOf(view.hosts)) {
    const [first] = group
    if (!first) continue
    const tasks = await tasksOf(first.commandId)
    const overSsh = first.way === 'ssh' ? ' over SSH' : ''
    parts.push(`${foldHosts(group.map(({ host }) => host))}${overSsh}: ${inWords(first)}\n`)
    if (first.reason !== null && first.state !== 'success')
      parts.push(`  ${sanitizeText(first.reason, 1000)}\n`)
    parts.push(tasksInWords(tasks))
  }
  const changing = view.hosts.filter(({ totals }) => (totals?.changed ?? 0) > 0).length
  if (view.mode === 'plan')
    parts.push(
      changing === 0
        ? 'Nothing would be changed.\n'
        : `${changing} of ${view.hosts.length} hosts would be changed. Do it with: rollcall playbook apply ${view.run.id}\n`,
    )
  return parts.join('')
}

function groupsOf(hosts: readonly PlaybookHost[]): PlaybookHost[][] {
  const groups = Map.groupBy(
    hosts,
    ({ state, way, digest, commandId }) => `${state} ${way} ${digest ?? commandId}`,
  )
  return [...groups.values()].sort((a, b) => b.length - a.length)
}

function inWords({ state, totals }: PlaybookHost): string {
  if (!totals) return state
  const counts = Object.entries(totals).filter(([name, count]) => count > 0 || name === 'changed')
  return `${state}, ${counts.map(([name, count]) => `${name}=${count}`).join(' ')}`
}

function tasksInWords(tasks: readonly TaskResult[]): string {
  if (tasks.length === 0) return ''
  const rows = tasks.map(({ status, isIgnored, isHidden, name, message }) => [
    isIgnored ? `${status} (ignored)` : status,
    name,
    isHidden ? '(hidden)' : (message.split('\n')[0] ?? ''),
  ])
  const diffs = tasks.filter(({ diff }) => diff !== '')
  return `${indented(table(['STATUS', 'TASK', 'WHAT IT SAYS'], rows))}${diffs.map(diffInWords).join('')}`
}

const diffInWords = ({ name, diff }: TaskResult) =>
  indented(`\n${sanitizeText(name, 300)}\n${diff.split('\n').map(harmlessLine).join('\n')}`)

// A tabulator is no danger and means something in many files.
const harmlessLine = (line: string) =>
  line
    .split('\t')
    .map((part) => sanitizeText(part, 2000))
    .join('\t')

const indented = (text: string) => text.replace(/^(?=.)/gm, '  ')
