import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Artifacts } from './artifacts.ts'
import { readRelease } from './release-archive.ts'

function program(machine: number): Buffer {
  const head = Buffer.alloc(6000)
  head.write('\x7fELF', 'latin1')
  head.writeUInt16LE(machine, 18)
  return head
}
const whole = { VERSION: '{"version":"2.0.0+ab","protocol":1}', 'agent.mjs': 'x', 'bin/node': program(62) }

async function toArchive(files: Record<string, string | Buffer>): Promise<Buffer> {
  const packed = pack()
  for (const [name, content] of Object.entries(files)) packed.entry({ name }, content)
  packed.finalize()
  return gzipSync(await buffer(packed))
}
async function* inParts(content: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += 1000) yield content.subarray(at, at + 1000)
}
const read = async (files: Record<string, string | Buffer>) => readRelease(inParts(await toArchive(files)))

describe('an archive', () => {
  it('a release archive says which release it holds, and for which architecture', async () => {
    expect(await read(whole)).toEqual({ version: '2.0.0+ab', architecture: 'x64' })
    const dotted = Object.fromEntries(Object.entries(whole).map(([name, content]) => [`./${name}`, content]))
    expect(await read({ ...dotted, './bin/node': program(183) })).toMatchObject({ architecture: 'arm64' })
  })

  it.each([
    ['no VERSION', { 'agent.mjs': 'x', 'bin/node': program(62) }, 'it does not contain VERSION'],
    ['another VERSION', { ...whole, VERSION: '../../etc' }, 'its VERSION is ../../etc'],
    ['a version that leads elsewhere', { ...whole, VERSION: '{"version":"../x"}' }, 'its VERSION is'],
    [
      'a script in place of the runtime',
      { ...whole, 'bin/node': '#!/bin/sh' },
      'its bin/node is not a program',
    ],
    ['the runtime of another machine', { ...whole, 'bin/node': program(8) }, 'its bin/node is not a program'],
  ])('a release archive with %s is refused', async (_what, files, why) => {
    await expect(read(files)).rejects.toMatchObject({
      code: 'release.refused',
      message: expect.stringContaining(why),
    })
  })

  it('a truncated release archive, or another file, is refused', async () => {
    const archive = await toArchive({ ...whole, 'lib/more': Buffer.alloc(100_000, 'more') })
    for (const bytes of [
      archive.subarray(0, archive.length - 50),
      Buffer.from('no archive'),
      Buffer.alloc(0),
    ])
      await expect(readRelease(inParts(bytes))).rejects.toMatchObject({ code: 'release.refused' })
  })
})

describe('a release that was added', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rollcall-releases-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('an added release is listed once, and another one of its version is refused', async () => {
    const artifacts = new Artifacts(join(folder, 'own'), '', join(folder, 'added'))
    const [archive, other] = [await toArchive(whole), await toArchive({ ...whole, 'agent.mjs': 'y' })]
    const add = async (content: Buffer) =>
      artifacts.addRelease(
        await readRelease(inParts(content)),
        createHash('sha256').update(content).digest('hex'),
        inParts(content),
      )
    expect([await add(archive), await add(archive)]).toEqual([true, false])
    await expect(add(other)).rejects.toMatchObject({ code: 'release.exists' })
    expect(await readdir(join(folder, 'added'))).toEqual(['rollcall-agent-2.0.0+ab-linux-x64.tar.gz'])
    expect(await artifacts.releases()).toMatchObject([{ version: '2.0.0+ab', isOwn: false }])
  })

  it('a release whose upload breaks off is not listed', async () => {
    const artifacts = new Artifacts(join(folder, 'own'), '', join(folder, 'added'))
    const broken = async function* () {
      yield Buffer.from('begin')
      throw new Error('gone')
    }
    const adding = artifacts.addRelease({ version: '1', architecture: 'x64' }, 'a'.repeat(64), broken())
    await expect(adding).rejects.toThrow('gone')
    expect(await readdir(join(folder, 'added'))).toEqual([])
  })
})
