import { hostState } from '@rollcall/contracts/admin'
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { isPassing } from '../errors.ts'
import { jsonOption } from '../options.ts'
import { jsonDocument } from '../output/json.ts'
import { fieldList } from '../output/table.ts'

export function addStatusCommand(program: Command, context: Context): void {
  program
    .command('status')
    .description('whether the server can work, and how many hosts are in which state')
    .addOption(jsonOption())
    .addHelpText('after', '\nExits with 0 when the server is ready, with 1 otherwise.')
    .action((options: { json?: boolean }) => status(context, options))
}

async function status(context: Context, { json }: { json?: boolean }): Promise<void> {
  const { url } = await context.find()
  const { version } = await context.api.call('health')
  const ready = await context.api.ready()
  const hosts = await countHosts(context)
  context.exitCode = ready.status === 'ready' ? 0 : 1
  if (json) {
    context.stdout.write(jsonDocument({ url: url.href, version, ...ready, hosts }))
    return
  }
  context.stdout.write(
    fieldList([
      ['Server', `${url.href} (${version})`],
      ['State', ready.status === 'ready' ? 'ready' : 'not ready'],
      ['Database', ready.database],
      ['Queue', ready.queue],
      ['Hosts', hosts ? wordsOf(hosts) : 'cannot be counted while the database is away'],
    ]),
  )
}

interface HostCounts {
  total: number
  byState: Record<string, number>
}

async function countHosts({ api }: Context): Promise<HostCounts | null> {
  try {
    const { hosts } = await api.call('listHosts')
    const byState: Record<string, number> = Object.fromEntries(hostState.options.map((state) => [state, 0]))
    for (const { state } of hosts) byState[state] = (byState[state] ?? 0) + 1
    return { total: hosts.length, byState }
  } catch (error) {
    if (isPassing(error)) return null
    throw error
  }
}

function wordsOf({ total, byState }: HostCounts): string {
  const parts = Object.entries(byState).filter(([, count]) => count > 0)
  if (parts.length === 0) return String(total)
  return `${total} (${parts.map(([state, count]) => `${count} ${state}`).join(', ')})`
}
