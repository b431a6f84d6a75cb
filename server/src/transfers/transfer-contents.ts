import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { isTreeFile, MAX_MANIFEST_BYTES, treeEntry } from '@rollcall/contracts/agent'
import { BlobStore, contentGone, readWhole } from '../blobs/index.ts'
import type { TreeSync } from '../files/index.ts'
import type { Transfer } from './domain/transfer.ts'

type Entries = TreeSync['entries']

const hashesOf = (entries: Entries): string[] =>
  entries.flatMap((entry) => ('sha256' in entry ? [entry.sha256] : []))

/** The contents that transfers name by hash. */
@Injectable()
export class TransferContents {
  constructor(private readonly blobs: BlobStore) {}

  /** Throws `file.content_gone` unless everything is there, and `request.invalid` for a list that is none. */
  async check(kind: Transfer['kind'], content: string): Promise<void> {
    const hashes = kind === 'file' ? [content] : hashesOf(await this.tree(content))
    const [missing] = await this.blobs.missing(hashes)
    if (missing !== undefined) throw contentGone(missing, 'source.sha256')
  }

  /** Returns whether this server has everything that a transfer sends. */
  async isHere({ kind, content }: Pick<Transfer, 'kind' | 'content'>): Promise<boolean> {
    return this.check(kind, content).then(
      () => true,
      (error) => {
        if (error instanceof RollcallError && error.code === 'file.content_gone') return false
        throw error
      },
    )
  }

  /** Returns what a tree holds, out of its list. */
  async tree(content: string): Promise<Entries> {
    const blob = await this.blobs.find(content)
    if (blob === null) throw contentGone(content, 'source.sha256')
    try {
      if (blob.size > MAX_MANIFEST_BYTES) throw invalid(`is longer than ${MAX_MANIFEST_BYTES} bytes`)
      const lines = (await readWhole(blob)).toString('utf8').split('\n')
      return lines.filter((line) => line !== '').map((line, index) => toEntry(line, index))
    } finally {
      await blob.close()
    }
  }

  /** Returns every hash that these need, as far as their lists are here. */
  async needed(open: readonly Pick<Transfer, 'kind' | 'content'>[]): Promise<Set<string>> {
    const needed = new Set<string>()
    for (const { kind, content } of open) {
      needed.add(content)
      if (kind === 'file' || (await this.blobs.missing([content])).length > 0) continue
      for (const hash of hashesOf(await this.tree(content))) needed.add(hash)
    }
    return needed
  }
}

function toEntry(line: string, index: number): Entries[number] {
  let json: unknown
  try {
    json = JSON.parse(line)
  } catch {
    throw invalid(`has no JSON in line ${index + 1}`)
  }
  const parsed = treeEntry.safeParse(json)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw invalid(`is not right in line ${index + 1}: ${issue?.path.join('.')} ${issue?.message}`)
  }
  const { data } = parsed
  return isTreeFile(data) ? { ...data, source: { sha256: data.sha256 } } : data
}

const invalid = (what: string) =>
  new RollcallError('request.invalid', `The list of the tree ${what}.`, {
    fields: [{ field: 'source.sha256', message: `names a list that ${what}` }],
  })
