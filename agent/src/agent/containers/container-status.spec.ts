import { mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RollcallError } from '@rollcall/contracts'
import { AGENT_METHODS, type Container } from '@rollcall/contracts/agent'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { MAX_REPORT_BYTES } from '../../spool/container-report.ts'
import type { RunnerMessage } from '../../spool/runner-messages.ts'
import { ContainerStatus } from './container-status.ts'
import type { EnginesInUse } from './engines-in-use.ts'
import { findEngines } from './engines-in-use.ts'

let folder: string
let now: number
let inUse: EnginesInUse
let sent: RunnerMessage[]
let refusal: RollcallError | null
let logged: string[]
let status: ContainerStatus

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-containers-'))
  now = 0
  inUse = { names: ['podman'], signature: 'a' }
  sent = []
  logged = []
  refusal = null
  status = makeStatus()
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const at = (name: string) => join(folder, name)

const makeStatus = () =>
  new ContainerStatus({
    path: at('report'),
    clock: { monotonicMs: () => now, epochMs: () => now, after: () => ({ cancel: () => undefined }) },
    log: { info: () => undefined, error: (event: string) => logged.push(event) },
    findEngines: () => inUse,
    sendToRunner: (message) => {
      if (refusal !== null) throw refusal
      sent.push(message)
    },
  })

const containerCalled = (name: string, more: Partial<Container> = {}): Container => ({
  engine: 'podman',
  id: 'a'.repeat(64),
  name,
  image: 'tiny',
  state: 'running',
  health: null,
  started_at_ms: 1,
  ended_at_ms: null,
  exit_code: null,
  ports: [],
  ports_truncated: false,
  ...more,
})

let reports = 0
function report(value: unknown): void {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  writeFileSync(at('new'), text)
  utimesSync(at('new'), ++reports, reports)
  renameSync(at('new'), at('report'))
}

const engine = (containers: Container[], more = {}) => ({
  name: 'podman',
  observed_at_ms: 5,
  total: containers.length,
  failure: null,
  containers,
  ...more,
})

const toContainers = (...containers: Container[]) => report({ took_ms: 30, engines: [engine(containers)] })

/** Reads the status through the contract, as a server gets it. */
function read() {
  const { containers, container_engines } = AGENT_METHODS.get_status.result.shape
  const facts = status.read()
  containers.parse(facts.containers)
  container_engines.parse(facts.container_engines)
  return facts
}

test('a host without a container engine reports no containers and wakes no runner', () => {
  inUse = { names: [], signature: '' }
  for (; now < 100_000; now += 1000) expect(read()).toEqual({ containers: [], container_engines: [] })
  expect(sent).toEqual([])
})

test('the first get_status requests a container scan, and the next one reports its result', () => {
  expect(read()).toEqual({
    containers: null,
    container_engines: [{ name: 'podman', observed_at_ms: null, total: 0, failure: null }],
  })
  expect(sent).toEqual([{ op: 'containers', engines: ['podman'] }])
  toContainers(containerCalled('web'))
  expect(read()).toEqual({
    containers: [containerCalled('web')],
    container_engines: [{ name: 'podman', observed_at_ms: 5, total: 1, failure: null }],
  })
  expect(sent).toHaveLength(1)
  now = 20_000
  read()
  expect(sent).toHaveLength(2)
})

test('a restarted agent reports the last container scan at once and requests a new one', () => {
  toContainers(containerCalled('web'))
  expect(read().containers).toHaveLength(1)
  expect(sent).toHaveLength(1)
})

test('an engine without containers wakes the runner once until a container is created', () => {
  read()
  toContainers()
  for (now = 1000; now < 600_000; now += 30_000) expect(read().containers).toEqual([])
  expect(sent).toHaveLength(1)
  inUse = { ...inUse, signature: 'b' }
  read()
  expect(sent).toHaveLength(2)
})

test('running containers come first, and those beyond the maximum are counted', () => {
  inUse = { names: ['podman', 'docker'], signature: '' }
  const many = Array.from({ length: 256 }, (_, i) => containerCalled(`c${i}`, { state: 'exited' }))
  const docker = engine([containerCalled('web', { engine: 'docker' })], { name: 'docker' })
  report({ took_ms: 1, engines: [engine(many, { total: 300 }), docker] })
  const { containers, container_engines } = read()
  expect(containers).toHaveLength(256)
  expect(containers?.[0]).toMatchObject({ engine: 'docker', name: 'web' })
  expect(container_engines.map((seen) => seen.total)).toEqual([300, 1])
})

test('a failed container scan is reported beside the previous containers', () => {
  const failure = 'podman gave no answer within 10 s and was ended.'
  report({ took_ms: 10_000, engines: [engine([containerCalled('web')], { failure })] })
  expect(read()).toMatchObject({ containers: [{ name: 'web' }], container_engines: [{ failure }] })
})

test('a runner that cannot be reached is reported as the failure of the engine', () => {
  refusal = new RollcallError('command.never_started', 'No runner takes orders on the host.')
  expect(read()).toMatchObject({
    containers: null,
    container_engines: [{ failure: 'No runner takes orders on the host.' }],
  })
  refusal = null
  now = 20_000
  expect(read()).toMatchObject({ container_engines: [{ failure: null }] })
})

test('a runner that accepts scan requests and never answers is asked ever less often', () => {
  for (; now < 600_000; now += 10_000) read()
  expect(sent.length).toBeLessThan(8)
  expect(read().container_engines[0]?.failure).toContain('earlier release')
  toContainers(containerCalled('web'))
  expect(read()).toMatchObject({ containers: [{ name: 'web' }], container_engines: [{ failure: null }] })
})

test.each([
  ['truncated JSON', '{"took_ms":1,'],
  ['a field of the wrong type', { took_ms: 'x' }],
  ['more than the maximum length', ' '.repeat(MAX_REPORT_BYTES + 1)],
  [
    'a container that breaks the contract',
    { took_ms: 1, engines: [engine([{ ...containerCalled('x'), id: '!' }])] },
  ],
])('a container report with %s is ignored', (_what, value) => {
  report(value)
  expect(read().containers).toBeNull()
  toContainers(containerCalled('web'))
  expect(read().containers).toHaveLength(1)
})

test('unknown fields in the report of a newer runner are ignored', () => {
  report({
    took_ms: 1,
    later: 1,
    engines: [engine([{ ...containerCalled('web'), later: 1 } as Container], { later: 1 })],
  })
  expect(read().containers).toEqual([containerCalled('web')])
})

test('an engine is in use if its program and its mark exist, and a new container changes its signature', () => {
  const traces = [
    {
      name: 'podman',
      programs: [at('no'), at('podman')],
      marks: [at('mark')],
      changes: [at('db'), at('none')],
    },
  ] as const
  const find = () => findEngines(traces)
  expect(find().names).toEqual([])
  writeFileSync(at('podman'), '')
  expect(find().names).toEqual([])
  mkdirSync(at('mark'))
  const before = find()
  expect(before.names).toEqual(['podman'])
  writeFileSync(at('db'), 'x')
  expect(find().signature).not.toBe(before.signature)
  expect(find()).toEqual(find())
})
