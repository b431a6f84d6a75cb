import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Rollcall } from './rollcall.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-service-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true })
})

/** Writes files and checks the first. No server is anywhere. */
async function check(
  files: Record<string, string>,
  args: readonly string[] = [],
  { env = {}, input = '' }: { env?: NodeJS.ProcessEnv; input?: string } = {},
) {
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
  const [first = '-'] = Object.keys(files)
  const file = first === '-' ? '-' : join(folder, first)
  const rollcall = new Rollcall(['service', 'check', file, ...args], {
    ROLLCALL_DATA_DIR: '/nonexistent',
    ...env,
  })
  rollcall.process.stdin.end(input)
  const exitCode = await rollcall.ended()
  return { exitCode, stdout: rollcall.stdout.replaceAll(/ +$/gm, ''), stderr: rollcall.stderr }
}

const GOOD = `name: shop
services:
  web:
    image: nginx:\${TAG}
    ports: ["80:80"]
    restart: always
    env_file: web.env
    depends_on: [db]
  db:
    image: postgres:16
`

describe('rollcall service check', () => {
  it('a file that can be used is shown key by key with what is taken otherwise, and how its services are grouped', async () => {
    const { exitCode, stdout, stderr } = await check({
      'compose.yml': GOOD,
      '.env': 'TAG=1.27\n',
      'web.env': 'A=1\n',
    })
    expect(stderr).toBe('')
    expect(stdout).toBe(`Service web
LINE  KEY         RESULT     NOTE
4     image       taken
5     ports       taken
6     restart     otherwise  systemd restarts what ends, and starts it at boot
7     env_file    taken
8     depends_on  taken

Service db
LINE  KEY    RESULT  NOTE
10    image  taken

The file
LINE  KEY       RESULT  NOTE
1     name      taken
2     services  taken

Group shop: 1 instance of db, web, together on one host, found by their names
`)
    expect(exitCode).toBe(0)
  })

  it('a file with faults exits with 1, after every fault was shown with its line and what to write instead', async () => {
    const { exitCode, stdout, stderr } = await check({
      'compose.yml': 'services:\n  web:\n    image: nginx:1\n    build: .\n    prots: ["80"]\n',
    })
    expect(stdout).toContain(
      '4     build  refused  column 5: is not supported; build the image elsewhere, add it to Rollcall, and name it by image\n',
    )
    expect(stdout).toContain(
      '5     prots  refused  column 5: is not a key of a service; did you mean ports?\n',
    )
    expect(stderr).toBe(
      `error: ${join(folder, 'compose.yml')} is refused: 2 faults, listed above. (service.key_unsupported)\n`,
    )
    expect(exitCode).toBe(1)
  })

  it('services whose names have dots have tables of their own', async () => {
    const text = 'services:\n  a.b:\n    image: nginx:1\n    restart: always\n  a:\n    foo: 1\n'
    const { stdout } = await check({ 'compose.yml': text })
    expect(stdout).toContain('Service "a.b"\nLINE  KEY      RESULT     NOTE\n3     image    taken\n')
    expect(stdout).toContain(
      'Service a\nLINE  KEY        RESULT   NOTE\n5     (service)  refused  column 3: lacks image',
    )
  })

  it('--json prints the spec, the faults and the keys', async () => {
    const good = await check({ '-': '' }, ['--json'], { input: 'services: {web: {image: "nginx:1"}}' })
    expect(JSON.parse(good.stdout)).toMatchObject({
      spec: { project: null, groups: [{ name: 'web', replicas: 1 }] },
      faults: [],
      keys: [{ key: 'services' }, { key: 'services.web.image', standing: 'taken', line: 1 }],
    })
    const bad = await check({ '-': '' }, ['--json'], { input: 'services: {web: {image: 1, foo: 2}}' })
    expect(JSON.parse(bad.stdout)).toMatchObject({
      spec: null,
      faults: [{ code: 'service.key_unsupported', line: 1, column: 28, key: 'services.web.foo' }],
    })
    expect(bad.exitCode).toBe(1)
  })

  it('--set wins over --env, --env over env files, and --dotenv stands in place of .env', async () => {
    const tag = async (args: string[]) => {
      const files = {
        'compose.yml': 'services: {web: {image: "nginx:${TAG}"}}',
        '.env': 'TAG=dotenv',
        'other.env': 'TAG=other',
      }
      const { stdout } = await check(files, ['--json', ...args], { env: { TAG: 'shell' } })
      return JSON.parse(stdout).spec.groups[0].services[0].runs.container.image.tag
    }
    expect(await tag([])).toBe('dotenv')
    expect(await tag(['--dotenv', join(folder, 'other.env')])).toBe('other')
    expect(await tag(['--env', 'TAG'])).toBe('shell')
    expect(await tag(['--env', 'TAG', '--set', 'TAG=set'])).toBe('set')
  })

  it('a variable that is not named by --env is not taken from the shell', async () => {
    const { exitCode, stdout } = await check({ 'compose.yml': GOOD, 'web.env': '' }, [], {
      env: { TAG: 'shell' },
    })
    expect(exitCode).toBe(1)
    expect(stdout).toContain('needs the variable TAG, which has no value')
  })

  it('a file that is not there, a folder and an env file with a fault are told in one line', async () => {
    const missing = await check({ 'compose.yml': GOOD }, ['--dotenv', join(folder, 'none')])
    expect(missing.stderr).toMatch(/^error: Cannot read .*none: ENOENT.*\n$/)
    const folderGiven = await check({ 'compose.yml': GOOD }, ['--dotenv', folder])
    expect(folderGiven.stderr).toContain('it is a folder')
    const faulty = await check({ 'compose.yml': GOOD, '.env': 'A=1\nB="hunter2' })
    expect(faulty.stderr).toBe('error: Line 2 of .env B has a quote without its end: close it with ".\n')
    expect([missing.exitCode, folderGiven.exitCode, faulty.exitCode]).toEqual([1, 1, 1])
  })

  it('ten megabytes are refused early, from a file and from standard input', async () => {
    const text = `services:\n${'  # padding\n'.repeat(900_000)}`
    for (const [files, input] of [
      [{ 'compose.yml': text }, ''],
      [{ '-': '' }, text],
    ] as const) {
      const { exitCode, stdout } = await check(files, [], { input })
      expect(stdout).toContain('is longer than 256 KiB')
      expect(exitCode).toBe(1)
    }
  })

  it('a file and its variables are read from pipes too, as a shell gives them for the output of a program', async () => {
    const [file, variables] = [join(folder, 'compose'), join(folder, 'variables')]
    for (const pipe of [file, variables]) execFileSync('mkfifo', [pipe])
    const rollcall = new Rollcall(['service', 'check', file, '--dotenv', variables], {})
    await Promise.all([
      writeFile(file, 'name: shop\nservices: {web: {image: "nginx:${TAG}"}}\n'),
      writeFile(variables, 'TAG=1.27\n'),
    ])
    expect([await rollcall.ended(), rollcall.stderr]).toEqual([0, ''])
  })
})
