import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { MAX_MANIFEST_BYTES, treeFile } from '@rollcall/contracts/agent'
import type { TreeMember } from '../files/index.ts'
import { readWhole } from '../platform/blobs/blob.ts'
import { BlobStore, contentGone } from '../platform/blobs/blob-store.ts'
import type { Transfer } from './domain/transfer.ts'

/** The contents that transfers name by hash. */
@Injectable()
export class TransferContents {
  constructor(private readonly blobs: BlobStore) {}

  /** Throws `file.content_gone` unless everything is there, and `request.invalid` for a list that is none. */
  async check(kind: Transfer['kind'], content: string): Promise<void> {
    const hashes = kind === 'file' ? [content] : (await this.tree(content)).map(({ sha256 }) => sha256)
    const [missing] = await this.blobs.missing(hashes)
    if (missing !== undefined) throw contentGone(missing, 'source.sha256')
  }

  /** The files of a tree, out of its list. */
  async tree(content: string): Promise<TreeMember[]> {
    const blob = await this.blobs.find(content)
    if (blob === null) throw contentGone(content, 'source.sha256')
    try {
      if (blob.size > MAX_MANIFEST_BYTES) throw invalid(`is longer than ${MAX_MANIFEST_BYTES} bytes`)
      const lines = (await readWhole(blob)).toString('utf8').split('\n')
      return lines.filter((line) => line !== '').map((line, index) => memberOf(line, index))
    } finally {
      await blob.close()
    }
  }

  /** Every hash that these need, as far as they are still there. */
  async needed(open: readonly Pick<Transfer, 'kind' | 'content'>[]): Promise<Set<string>> {
    const needed = new Set<string>()
    for (const { kind, content } of open) {
      needed.add(content)
      if (kind === 'file' || (await this.blobs.missing([content])).length > 0) continue
      for (const { sha256 } of await this.tree(content)) needed.add(sha256)
    }
    return needed
  }
}

function memberOf(line: string, index: number): TreeMember {
  let json: unknown
  try {
    json = JSON.parse(line)
  } catch {
    throw invalid(`has no JSON in line ${index + 1}`)
  }
  const parsed = treeFile.safeParse(json)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw invalid(`is not right in line ${index + 1}: ${issue?.path.join('.')} ${issue?.message}`)
  }
  return { ...parsed.data, source: { sha256: parsed.data.sha256 } }
}

const invalid = (what: string) =>
  new RollcallError('request.invalid', `The list of the tree ${what}.`, {
    fields: [{ field: 'source.sha256', message: `names a list that ${what}` }],
  })
