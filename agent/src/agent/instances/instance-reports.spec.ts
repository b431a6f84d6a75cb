import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AGENT_METHODS,
  type AgentParams,
  type InstanceReport,
  MAX_INSTANCE_PARTS,
  MAX_INSTANCE_REPORT_BYTES,
  MAX_INSTANCES,
} from '@rollcall/contracts/agent'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../platform/clock.ts'
import { InstanceReports } from './instance-reports.ts'

const BOOT = '11111111-2222-4333-8444-555555555555'
/** Longer than any test: whoever waits so long has missed the news. */
const LONG = 25_000

let parent: string
let folder: string
let logged: unknown[]
let reports: InstanceReports

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'rollcall-instances-'))
  folder = join(parent, 'rollcall-warden')
  logged = []
  reports = new InstanceReports({
    folder,
    bootId: BOOT,
    clock: systemClock,
    log: { info: () => undefined, error: (event, fields) => logged.push([event, fields]) },
  })
})
afterEach(() => rmSync(parent, { recursive: true, force: true }))

const web = (more: object = {}) => ({
  instance: '3fa9c1d2',
  generation: 4,
  revision: 'a'.repeat(64),
  state: 'running',
  health: 'success',
  since_ms: 5,
  reason: null,
  containers: [{ name: 'web', state: 'running', restarts: 0, exit_code: null, started_at_ms: 1, pid: 7 }],
  checks: [{ container: 'web', kind: 'http', state: 'success', detail: '200', at_ms: 5 }],
  ...more,
})

const toReport = (digest: string, instances: readonly object[] = [web()], more: object = {}) => ({
  format: 1,
  boot_id: BOOT,
  at_ms: 9,
  digest,
  instances,
  ...more,
})

/** Writes as the warden does: a new file takes the place of the old one. */
function write(content: unknown): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'new'), typeof content === 'string' ? content : JSON.stringify(content))
  renameSync(join(folder, 'new'), join(folder, 'report.json'))
}

/** Calls through the contract, as a server does. */
async function get(params: AgentParams<'get_instances'>, signal = new AbortController().signal) {
  return AGENT_METHODS.get_instances.result.parse(await reports.get(params, signal))
}

const first = { since_digest: null, wait_ms: LONG }

test('a host without a warden answers at once with a report of no instances', async () => {
  expect(await get(first)).toMatchObject({
    digest: '',
    age_ms: null,
    failure: null,
    report: { boot_id: BOOT, instances: [] },
  })
})

test('the report of the warden is answered with its age', async () => {
  write(toReport('ab'))
  const written = Date.now() / 1000 - 40
  utimesSync(join(folder, 'report.json'), written, written)
  const answer = await get(first)
  expect(answer).toMatchObject({ digest: 'ab', failure: null, report: { instances: [web()] } })
  expect(answer.age_ms).toBeGreaterThanOrEqual(40_000)
  expect(answer.age_ms).toBeLessThan(60_000)
})

test('a report that the caller has is not sent again, and its age still tells of a silent warden', async () => {
  write(toReport('ab'))
  const answer = await get({ since_digest: 'ab', wait_ms: 0 })
  expect(answer).toMatchObject({ digest: 'ab', report: null, failure: null })
  expect(answer.age_ms).toBeGreaterThanOrEqual(0)
})

test('a waiting call is answered when the instances change, and not when only the time of the report does', async () => {
  write(toReport('ab'))
  let isAnswered = false
  const waiting = get({ since_digest: 'ab', wait_ms: LONG }).then((answer) => {
    isAnswered = true
    return answer
  })
  write(toReport('ab', [web()], { at_ms: 10 }))
  await get({ since_digest: 'ab', wait_ms: 50 })
  expect(isAnswered).toBe(false)
  write(toReport('cd', [web({ health: 'failed', reason: 'web: GET /up answered 503' })]))
  expect(await waiting).toMatchObject({ digest: 'cd', report: { instances: [{ health: 'failed' }] } })
})

test('a call that waits on a host without a warden is answered when the first report is there', async () => {
  const waiting = get({ since_digest: '', wait_ms: LONG })
  write(toReport('ab'))
  expect(await waiting).toMatchObject({ digest: 'ab' })
})

test('a waiting call is answered when the warden and its folder are removed', async () => {
  write(toReport('ab'))
  const waiting = get({ since_digest: 'ab', wait_ms: LONG })
  rmSync(folder, { recursive: true })
  expect(await waiting).toMatchObject({ digest: '', report: { instances: [] } })
})

test('a waiting call ends when its caller has gone', async () => {
  write(toReport('ab'))
  const caller = new AbortController()
  const waiting = get({ since_digest: 'ab', wait_ms: LONG }, caller.signal)
  caller.abort()
  expect(await waiting).toMatchObject({ digest: 'ab', report: null })
})

test.each<[string, unknown, RegExp]>([
  ['text that is no JSON', '{"format":1,', /expected object/i],
  ['another format', toReport('ab', [], { format: 2 }), /format/],
  ['a foreign form of id', toReport('ab', [web({ instance: '../../etc' })]), /instances\.0\.instance/],
  ['an unknown state', toReport('ab', [web({ state: 'gone' })]), /instances\.0\.state/],
  ['a reason that would act on a terminal', toReport('ab', [web({ reason: '\u001b[2J' })]), /reason/],
  ['a reason that is too long', toReport('ab', [web({ reason: 'x'.repeat(301) })]), /reason/],
  ['too many instances', toReport('ab', Array(MAX_INSTANCES + 1).fill(web())), /instances/],
  [
    'too many containers',
    toReport('ab', [web({ containers: Array(MAX_INSTANCE_PARTS + 1).fill(web().containers[0]) })]),
    /containers/,
  ],
  ['too many bytes', ' '.repeat(MAX_INSTANCE_REPORT_BYTES + 1), /longer than/],
])('a report with %s is refused as a whole, and the answer says why', async (_what, content, why) => {
  write(content)
  const answer = await get(first)
  expect(answer).toMatchObject({ digest: '', report: null, failure: expect.stringMatching(why) })
  await get(first)
  expect(logged).toHaveLength(1)
  write(toReport('ab'))
  expect(await get(first)).toMatchObject({ digest: 'ab', failure: null })
})

test('a report that is a link, a folder or a pipe is not read', async () => {
  mkdirSync(folder)
  writeFileSync(join(parent, 'elsewhere'), JSON.stringify(toReport('ab')))
  const path = join(folder, 'report.json')
  symlinkSync(join(parent, 'elsewhere'), path)
  expect((await get(first)).failure).toContain('ELOOP')
  rmSync(path)
  mkdirSync(path)
  expect((await get(first)).failure).toContain('not a file')
  rmSync(path, { recursive: true })
  execFileSync('mkfifo', [path])
  expect((await get(first)).failure).toContain('not a file')
})

test('a container whose name has capital letters, as names of services may have, is reported like any other', async () => {
  const [container] = web().containers
  const [check] = web().checks
  const named = {
    containers: [{ ...container, name: 'Web_1.a' }],
    checks: [{ ...check, container: 'Web_1.a' }],
  }
  write(toReport('ab', [web(named)]))
  expect(await get(first)).toMatchObject({ failure: null, report: { instances: [named] } })
})

test('fields that a newer warden adds are left out', async () => {
  write(toReport('ab', [{ ...web(), later: 1 }], { later: 1 }))
  expect((await get(first)).report).toEqual(toReport('ab') satisfies object as InstanceReport)
})
