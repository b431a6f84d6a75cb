import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../platform/clock.ts'
import { identify, isAlive } from '../../platform/processes.ts'
import { type ContainerReport, containerReport } from '../../spool/container-report.ts'
import { ContainerScanner } from './container-scanner.ts'

const ID = 'a'.repeat(64)
let folder: string
let isBusy: boolean[]
let scanner: ContainerScanner
let logged: string[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-scanner-'))
  isBusy = []
  logged = []
  const log = { info: () => undefined, error: (event: string) => logged.push(event) }
  scanner = new ContainerScanner({
    path: at('report.json'),
    clock: hurried,
    log,
    environment: { PATH: `${folder}:/usr/bin:/bin` },
    onBusyChange: () => isBusy.push(scanner.isBusy),
  })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const at = (name: string) => join(folder, name)
/** The system clock with timers ten times as fast. */
const hurried = {
  ...systemClock,
  after: (ms: number, action: () => void) => systemClock.after(ms / 10, action),
}

const program = (name: string, script: string) =>
  writeFileSync(at(name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })

/** Scans the engines and returns the report. */
async function scan(...engines: ('podman' | 'docker')[]): Promise<ContainerReport> {
  scanner.scan(engines)
  await vi.waitUntil(() => !scanner.isBusy, { timeout: 10_000, interval: 5 })
  return containerReport.parse(JSON.parse(readFileSync(at('report.json'), 'utf8')))
}

const podman = (count: number) =>
  JSON.stringify(Array.from({ length: count }, (_, i) => ({ Id: i.toString(16).padStart(64, '0') })))

test('an engine is queried with constant arguments, and its containers are reported', async () => {
  program('podman', `echo "$@" > ${at('args')}; echo '[{"Id":"${ID}","Names":["web"],"State":"running"}]'`)
  const before = Date.now()
  const { engines, took_ms } = await scan('podman')
  expect(readFileSync(at('args'), 'utf8')).toBe('ps --all --format json\n')
  expect(engines).toMatchObject([
    { name: 'podman', total: 1, failure: null, containers: [{ id: ID, name: 'web', state: 'running' }] },
  ])
  expect(engines[0]?.observed_at_ms).toBeGreaterThanOrEqual(before)
  expect(took_ms).toBeGreaterThan(0)
  expect(isBusy).toEqual([true, false])
})

test('docker is queried on this host only, and tolerates a container that was removed meanwhile', async () => {
  program(
    'docker',
    `case $1 in
      ps) echo ${ID}; echo ${'b'.repeat(64)};;
      *) echo '{"id":"${ID}","name":"/web","state":"running"}'
         echo "$DOCKER_HOST" > ${at('host')}
         echo 'Error response from daemon: No such container: ${'b'.repeat(64)}' >&2; exit 1;;
    esac`,
  )
  expect((await scan('docker')).engines).toMatchObject([{ total: 1, containers: [{ id: ID }] }])
  expect(readFileSync(at('host'), 'utf8')).toBe('unix:///run/docker.sock\n')
})

test('a failed scan keeps the previous containers, with their time and the reason', async () => {
  program('podman', `echo '${podman(2)}'`)
  const first = await scan('podman')
  program('podman', "printf 'first line\\nError: \\033[31mdatabase is locked\\n' >&2; exit 125")
  const { engines } = await scan('podman')
  expect(engines).toEqual([
    { ...first.engines[0], failure: 'podman exited with 125: Error: \uFFFD[31mdatabase is locked' },
  ])
  program('podman', 'echo nonsense')
  expect((await scan('podman')).engines[0]?.failure).toBe(
    'podman printed output that cannot be parsed: it is not JSON.',
  )
  rmSync(at('podman'))
  expect((await scan('podman')).engines[0]).toMatchObject({
    total: 2,
    failure: 'There is no program podman on PATH on the host.',
  })
  program('podman', `echo '${podman(1)}'`)
  expect((await scan('podman')).engines[0]).toMatchObject({ total: 1, failure: null })
})

test('an engine that hangs gets TERM, then KILL with its whole process group', async () => {
  program('podman', `trap '' TERM; sleep 100 & echo $! > ${at('child')}; echo $$ > ${at('pid')}; wait; wait`)
  const { engines } = await scan('podman')
  expect(engines[0]).toMatchObject({
    observed_at_ms: null,
    failure: 'podman gave no answer within 10 s and was ended.',
  })
  for (const name of ['pid', 'child'])
    await vi.waitUntil(() => !isRunning(Number(readFileSync(at(name), 'utf8'))), { timeout: 5000 })
  expect(logged).toEqual(['containers.not_seen'])
})

test('an engine that prints endlessly is killed at a mebibyte', async () => {
  program('podman', `echo $$ > ${at('pid')}; exec yes`)
  expect((await scan('podman')).engines[0]?.failure).toBe('podman printed more than 1048576 bytes.')
  expect(isRunning(Number(readFileSync(at('pid'), 'utf8')))).toBe(false)
})

test('a process that an engine leaves on its output is not awaited', async () => {
  program('podman', `echo '${podman(1)}'; sleep 30 & echo $! > ${at('pid')}`)
  expect((await scan('podman')).engines).toMatchObject([{ total: 1, failure: null }])
  process.kill(Number(readFileSync(at('pid'), 'utf8')))
})

test('requests during a scan start no second scan', async () => {
  program('podman', `echo x >> ${at('count')}; sleep 0.03; echo '[]'`)
  scanner.scan(['podman'])
  scanner.scan(['podman'])
  await scan('podman')
  expect(readFileSync(at('count'), 'utf8')).toBe('x\n')
})

test('a thousand containers are counted, and reported up to the maximum', async () => {
  writeFileSync(at('answer'), podman(1000))
  program('podman', `cat ${at('answer')}`)
  const [engine] = (await scan('podman')).engines
  expect(engine?.total).toBe(1000)
  expect(engine?.containers).toHaveLength(256)
})

test('a stopped scanner leaves no query running', async () => {
  program('podman', `echo $$ > ${at('pid')}; exec sleep 100`)
  scanner.scan(['podman'])
  await vi.waitUntil(() => existsSync(at('pid')) && readFileSync(at('pid'), 'utf8') !== '')
  scanner.stop()
  await vi.waitUntil(() => !scanner.isBusy)
  scanner.scan(['podman'])
  expect(scanner.isBusy).toBe(false)
  expect(existsSync(at('report.json'))).toBe(false)
  expect(isRunning(Number(readFileSync(at('pid'), 'utf8')))).toBe(false)
})

test('a report that cannot be written is logged and ends nothing', async () => {
  program('podman', "echo '[]'")
  await scan('podman')
  rmSync(folder, { recursive: true })
  scanner.scan(['podman'])
  await vi.waitUntil(() => !scanner.isBusy)
  expect(logged).toContain('containers.not_written')
})

function isRunning(pid: number): boolean {
  const process = identify(pid)
  return process !== null && isAlive(process)
}
