import { createReadStream } from 'node:fs'
import { PassThrough, type Readable } from 'node:stream'
import type { AdminResponse } from '@rollcall/contracts/admin'
import { forEachOf } from '@rollcall/contracts/client'
import type { LocalFile } from '../copy/local-tree.ts'
import { UsageError } from '../errors.ts'
import type { Client } from './client.ts'

/** The most hashes that one request asks about. */
const MAX_HASHES = 10_000
const MAX_CONCURRENT_UPLOADS = 4
const READ_BYTES = 1024 * 1024

/** Uploads what a stream holds. Reading begins at once: what an ended program wrote is lost if nobody reads it. */
export function uploadStream(api: Client, content: Readable): Promise<AdminResponse<'addContent'>> {
  const body = content.pipe(new PassThrough())
  content.on('error', (error) => body.destroy(error))
  return api.upload('addContent', body)
}

/** Uploads the files whose content the server does not have. Throws `UsageError` if one changes meanwhile. */
export async function uploadMissing(api: Client, files: readonly LocalFile[]): Promise<void> {
  const filesByHash = new Map(files.map((file) => [file.sha256, file]))
  const hashes = [...filesByHash.keys()]
  const missing: LocalFile[] = []
  for (let at = 0; at < hashes.length; at += MAX_HASHES) {
    const answer = await api.call('missingContents', {
      body: { sha256: hashes.slice(at, at + MAX_HASHES) },
    })
    for (const hash of answer.missing) missing.push(filesByHash.get(hash) as LocalFile)
  }
  await forEachOf(missing, MAX_CONCURRENT_UPLOADS, async (file) => {
    const { sha256 } = await uploadStream(api, createReadStream(file.local, { highWaterMark: READ_BYTES }))
    if (sha256 !== file.sha256) throw new UsageError(`${file.local} changed while it was read. Try again.`)
  })
}
