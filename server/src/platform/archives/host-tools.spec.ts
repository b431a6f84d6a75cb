import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { hostProgram } from './host-program.ts'
import { PLAYBOOKS_FOLDER, readTools } from './host-tools.ts'
import { createTar } from './tar-archive.ts'
import { readTar } from './tar-reader.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-tools-'))
  await writeFile(join(folder, 'bundle.tar'), createTar([{ path: '__main__.py', data: Buffer.from('') }]))
})
afterAll(() => rm(folder, { recursive: true }))

const read = (isPlain: boolean) =>
  readTools({ path: join(folder, 'bundle.tar'), sha256: 'a'.repeat(64), isPlain }, PLAYBOOKS_FOLDER)

it('tools of a server that wants plain Ansible are another version, with the file that asks for it', async () => {
  const [fast, plain] = [await read(false), await read(true)]
  expect(plain.version).not.toBe(fast.version)
  const paths = async (tools: typeof fast) => (await tools.files()).map(({ path }) => path)
  const added = (await paths(plain)).filter((path) => path === 'PLAIN_ANSIBLE')
  expect(added).toEqual(['PLAIN_ANSIBLE'])
  expect(await paths(fast)).not.toContain('PLAIN_ANSIBLE')
})

it('the program for a host is the package alone, with its input behind it', async () => {
  const { argv, stdin } = await hostProgram(['lay-out-tools', 'v'], Buffer.from('input'))
  const size = Number(argv[4])
  const paths = readTar(stdin.subarray(0, size)).map(({ path }) => path)
  expect(paths).toContain('__main__.py')
  expect(paths).toContain('rollcall_host/job.schema.json')
  expect(paths.every((path) => /^(__main__\.py|rollcall_host\/.*)$/.test(path))).toBe(true)
  expect(argv.slice(5)).toEqual(['lay-out-tools', 'v'])
  expect(stdin.subarray(size).toString()).toBe('input')
})
