import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readWhole } from './blob.ts'
import { BlobStore } from './blob-store.ts'

let folder: string
let store: BlobStore
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-blobs-'))
  store = new BlobStore(folder, 8_000_000)
})
afterEach(() => rm(folder, { recursive: true }))

const add = (...pieces: Buffer[]) => store.add(Readable.from(pieces))
const FUTURE = new Date(Date.now() + 60_000)

it.each([
  ['nothing', Buffer.alloc(0)],
  ['what cannot be compressed, over three frames', randomBytes(2_500_000)],
  ['what can', Buffer.alloc(3_000_000, 'abc')],
])('the blob store returns %s, however it came in pieces', async (_what, content) => {
  const stored = await add(
    content.subarray(0, 7),
    content.subarray(7, 1_200_000),
    content.subarray(1_200_000),
  )
  const sha256 = createHash('sha256').update(content).digest('hex')
  expect(stored).toEqual({ sha256, size: content.length })
  const blob = await store.find(sha256)
  expect(blob && (await readWhole(blob)).equals(content)).toBe(true)
  await blob?.close()
})

it('a blob that a loss of power has cut is not there, and is taken in again', async () => {
  const { sha256 } = await add(Buffer.from('content'))
  await truncate(join(folder, sha256), 5)
  expect(await store.find(sha256)).toBeNull()
  await add(Buffer.from('content'))
  expect(await store.missing([sha256, 'f'.repeat(64)])).toEqual(['f'.repeat(64)])
})

it('the blob store accepts content up to its bound, and keeps nothing of a refused one', async () => {
  await expect(add(randomBytes(9_000_000))).rejects.toMatchObject({ code: 'server.files_full' })
  expect(await readdir(folder)).toEqual([])
})

it('removes what is old and not in use, which makes room', async () => {
  const kept = await add(randomBytes(3_000_000))
  await add(randomBytes(4_000_000))
  await expect(add(randomBytes(4_000_000))).rejects.toMatchObject({ code: 'server.files_full' })
  expect(await store.evictUnused(FUTURE, new Set([kept.sha256]))).toBe(1)
  expect(await readdir(folder)).toEqual([kept.sha256])
  await add(randomBytes(4_000_000))
})
