import { createReadStream } from 'node:fs'
import type { ReleaseView } from '@rollcall/contracts/admin'
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { UsageError } from '../errors.ts'
import { readLocalFile } from '../input/local-tree.ts'
import { jsonOption } from '../options.ts'
import { jsonDocument } from '../output/json.ts'
import { table } from '../output/table.ts'

interface Options {
  json?: boolean
}

export function addReleaseCommands(program: Command, context: Context): void {
  const release = program.command('release').description('releases of the agent that the server has')
  release
    .command('add <archive>')
    .description('bring a release to the server: an archive as its build makes it')
    .addOption(jsonOption())
    .action((archive: string, options: Options) => addRelease(context, archive, options))
  release
    .command('list', { isDefault: true })
    .addOption(jsonOption())
    .action((options: Options) => releases(context, options))
}

async function releases({ api, stdout }: Context, { json }: Options): Promise<void> {
  const answer = await api.call('listReleases')
  stdout.write(json ? jsonDocument(answer) : releaseTable(answer.releases))
}

async function addRelease({ api, stdout }: Context, archive: string, { json }: Options): Promise<void> {
  const { local, sha256 } = await readLocalFile(archive)
  const { missing } = await api.call('missingContents', { body: { sha256: [sha256] } })
  if (missing.length > 0) {
    const sent = await api.addContent(createReadStream(local, { highWaterMark: 1024 * 1024 }))
    if (sent.sha256 !== sha256) throw new UsageError(`${local} changed while it was read. Add it again.`)
  }
  const answer = await api.call('addRelease', { body: { sha256 } })
  stdout.write(json ? jsonDocument(answer) : releaseTable(answer.releases))
}

const releaseTable = (releases: readonly ReleaseView[]) =>
  table(
    ['VERSION', 'ARCHITECTURE', 'OWN', 'SHA256'],
    releases.map((one) => [one.version, one.architecture, one.isOwn ? 'yes' : 'no', one.sha256]),
  )
