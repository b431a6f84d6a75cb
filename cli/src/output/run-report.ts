import { sanitizeText } from '@rollcall/contracts'
import type { OutcomeGroup, RunSummary, SkippedHost } from '@rollcall/contracts/admin'
import { isFinalState } from '@rollcall/contracts/admin/commands/schemas'
import { ApiError } from '@rollcall/contracts/client'
import type { Context } from '../context.ts'
import { formatEnding, formatHostCount } from './format-command.ts'
import { foldHosts } from './host-ranges.ts'
import { LineBuffer } from './line-buffer.ts'
import { isColoured, writeLines } from './printer.ts'
import { countsLine } from './progress.ts'
import { write } from './sink.ts'

/** Bytes of a group's output that are shown; the log has the rest. */
const SHOWN_BYTES = 1024 * 1024
const RED = 31
const BOLD = 1

/** Orders groups for reading: successes first, failures last, where they are seen. */
export const inReadingOrder = (groups: readonly OutcomeGroup[]) =>
  groups.toSorted((a, b) => Number(isFailure(a)) - Number(isFailure(b)))

const isFailure = ({ state }: OutcomeGroup) => state !== 'success'

/** `web-[01-18] (18 hosts): success`. */
export function toHeader(group: OutcomeGroup, timeoutMs: number): string {
  const { state, exitCode, isHeld, hosts } = group
  const how = isHeld
    ? 'waiting for its turn'
    : (formatEnding({ ...group, timeoutMs }) ??
      (state === 'failed' ? `failed, exit code ${exitCode}` : state))
  const held = isHeld && hosts.length > 1 ? 'waiting for their turn' : how
  return `${sanitizeText(foldHosts(hosts), 100_000)} (${formatHostCount(hosts.length)}): ${held}`
}

/** Prints each distinct output once, under its hosts; without outputs only failures. */
export async function printReport(
  context: Context,
  { run, groups }: RunSummary,
  { withOutput }: { withOutput: boolean },
): Promise<void> {
  const { stdout, env } = context
  const shown = inReadingOrder(groups).filter((group) => withOutput || isFailure(group))
  for (const [place, group] of shown.entries()) {
    const header = toHeader(group, run.timeoutMs)
    const colour = isFailure(group) ? RED : BOLD
    const line = isColoured(stdout, env) ? `\x1b[${colour}m${header}\x1b[0m` : header
    await write(stdout, `${place > 0 ? '\n' : ''}${line}\n`)
    if (!withOutput) continue
    const cut = await printOutput(context, group)
    if (cut > 0) context.notice(`${cut} more bytes on each; see: rollcall command log ${group.commandId}`)
    if (!group.isComparedWhole && group.hosts.length > 1)
      context.notice('these outputs were compared by size and first MiB only')
    if (group.droppedBytes > 0) context.notice(`${group.droppedBytes} bytes of output were dropped on each`)
  }
  context.notice(countsLine(run.counts))
}

/** Reports which hosts were skipped. */
export function reportSkipped({ notice }: Pick<Context, 'notice'>, skipped: readonly SkippedHost[]): void {
  for (const [reason, hosts] of Map.groupBy(skipped, (each) => each.reason))
    notice(
      `skipped: ${foldHosts(hosts.map(({ host }) => host))} (${formatHostCount(hosts.length)}): ${reason}`,
    )
}

/** Prints both streams in the order in which they were written, as whole lines. Returns how many bytes were not shown. */
async function printOutput(context: Context, group: OutcomeGroup): Promise<number> {
  const lines = new LineBuffer()
  const print = (data: Buffer) => writeLines(context.stdout, lines.push(data))
  let offset = 0
  for (const { data } of group.sample) {
    const bytes = Buffer.from(data, 'base64')
    offset += bytes.length
    await print(bytes)
  }
  const end = Math.min(group.outputBytes, SHOWN_BYTES)
  const isEnded = isFinalState(group.state)
  try {
    while (isEnded && offset < end) {
      const page = await context.api.call('readOutput', {
        params: { id: group.commandId },
        query: { offset, maxBytes: end - offset },
      })
      for (const { data } of page.chunks) await print(Buffer.from(data, 'base64'))
      if (page.nextOffset <= offset) break
      offset = page.nextOffset
    }
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 'command.output_gone')) throw error
    context.notice(error.message)
  }
  const last = lines.flush()
  if (last) await writeLines(context.stdout, [last])
  return isEnded ? Math.max(0, group.outputBytes - Math.max(offset, end)) : 0
}
