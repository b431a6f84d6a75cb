import { readFile } from 'node:fs/promises'
import type { HostState } from '@rollcall/contracts/admin'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { poll } from '../bed/poll.ts'
import { Metrics } from '../fleet/metrics.ts'
import { whyNoNamespace } from '../load/namespace.ts'
import { SimulatedSetting } from '../load/simulated-setting.ts'
import type { Fault } from '../load/simulator/behaviour.ts'

const reason = await whyNoNamespace()
if (reason && process.env.CI) throw new Error(reason)

/** The expected state of a host whose agent behaves so, by `decide` and by the errors of a call. */
const HOSTILE: { fault: Fault; state: HostState; code: string | null; says?: RegExp }[] = [
  ...(
    [
      ['huge', /larger than \d+ bytes/],
      ['empty', /is not JSON/],
      ['not_json', /is not JSON/],
      ['other_id', /the id of another call/],
      ['proto_keys', /does not fit the contract/],
      ['escapes', /hostname must not contain control/],
      ['half_characters', /hostname must not contain control/],
      ['long', /hostname/],
      ['status_400', /HTTP 400/],
    ] as const
  ).map(([fault, says]) => ({ fault, state: 'degraded' as const, code: 'agent.invalid_answer', says })),
  { fault: 'status_401', state: 'credentials_refused', code: 'agent.credentials_refused', says: /HTTP 401/ },
  { fault: 'status_404', state: 'credentials_refused', code: 'agent.credentials_refused', says: /HTTP 404/ },
  {
    fault: 'other_certificate',
    state: 'identity_changed',
    code: 'agent.identity_changed',
    says: /saw sha256/,
  },
  ...(
    [
      ['status_500', /HTTP 500/],
      ['status_503', /HTTP 503/],
      ['trickle', /did not answer in time/],
      ['half', /did not answer in time/],
      ['frozen', /did not answer in time/],
      ['hangup', /does not answer/],
      ['closed', /ECONNREFUSED/],
    ] as const
  ).map(([fault, says]) => ({ fault, state: 'offline' as const, code: 'agent.unreachable', says })),
  // Text that means nothing here: it is kept and told as text.
  { fault: 'markup', state: 'online', code: null },
]
/** Refused at once: no other try within a round. */
const WITHOUT_RETRY: Fault[] = [
  'status_400',
  'status_401',
  'status_404',
  'other_certificate',
  'not_json',
  'escapes',
]

const EACH = 2
const SOUND = 100
const FAST = { minMs: 1000, maxMs: 2000, offlineAfterMs: 6000 }
const STEADY = { name: 'steady', minMs: 4000, maxMs: 5000, offlineAfterMs: null }
const LATENESS = 'rollcall_heartbeat_lateness_seconds'
const MEBIBYTE = 2 ** 20

describe.skipIf(reason)(`agents that mean harm ${reason ?? ''}`, { timeout: 60_000 }, () => {
  let setting: SimulatedSetting
  let before: Metrics
  let rssBefore: number

  const api = () => setting.api
  const indexesOf = (fault: Fault) => {
    const at = HOSTILE.findIndex((one) => one.fault === fault)
    return Array.from({ length: EACH }, (_, i) => at * EACH + i)
  }
  const soundOnes = () => setting.simulator.agents.slice(HOSTILE.length * EACH)
  const nameOf = (index: number) => setting.simulator.agents[index]?.name ?? ''
  const agents = async () => (await api().call('listAgents')).agents
  const statesNow = async () => {
    const byName = new Map((await agents()).map((agent) => [agent.host, agent]))
    return HOSTILE.map(({ fault }) =>
      indexesOf(fault).map((index) => {
        const { state, stateCode } = byName.get(nameOf(index)) ?? {}
        return `${fault}: ${state} ${stateCode}`
      }),
    )
  }
  const rssOfServer = async () =>
    Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${setting.server.pid}/status`, 'utf8'))?.[1]) * 1024

  beforeAll(async () => {
    setting = await SimulatedSetting.open({ agents: HOSTILE.length * EACH + SOUND })
    await api().call('changeHeartbeatProfile', { params: { profile: 'default' }, body: FAST })
    await api().call('addHeartbeatProfile', { body: STEADY })
    for (const index of WITHOUT_RETRY.flatMap(indexesOf))
      await api().call('changeHost', {
        params: { host: nameOf(index) },
        body: { heartbeatProfile: STEADY.name },
      })
    await poll(async () => (await agents()).every(({ uptimeS }) => uptimeS !== null), {
      timeoutMs: 20_000,
      what: 'every agent to have answered',
    })
    rssBefore = await rssOfServer()
    before = await Metrics.of(api())
    for (const { fault } of HOSTILE) await setting.simulator.behave(indexesOf(fault), { fault })
    await setting.simulator.forget()
  })
  afterAll(() => setting?.[Symbol.asyncDispose]())

  it('hostile agents are each in their true state with the reason, and no other agent is', async () => {
    const expected = HOSTILE.map(({ fault, state, code }) => Array(EACH).fill(`${fault}: ${state} ${code}`))
    await expect.poll(statesNow, { timeout: 30_000 }).toEqual(expected)
    for (const { fault, state, code, says } of HOSTILE) {
      if (!says) continue
      const host = nameOf(indexesOf(fault)[0] ?? 0)
      const { events } = await api().call('hostHistory', { params: { host } })
      // The newest may be that it is not installed again, since nothing here speaks SSH.
      const event = events.find(({ from }) => from === 'online')
      expect(event, fault).toMatchObject({ to: state, code, reason: expect.stringMatching(says) })
    }
    const hostileNames = new Set(HOSTILE.flatMap(({ fault }) => indexesOf(fault).map(nameOf)))
    const others = (await agents()).filter(({ host }) => !hostileNames.has(host))
    expect(others.filter(({ state }) => state !== 'online')).toEqual([])
  })

  it('hostile agents are called once a round where a retry would be useless', async () => {
    // Twice around, so that a round with retries would have been seen.
    const roundsOf = async () => {
      const seen = await setting.simulator.records()
      return WITHOUT_RETRY.flatMap(indexesOf).map((agent) =>
        seen.times({ agent, what: 'connection' }).concat(seen.times({ agent, what: 'heartbeat' })),
      )
    }
    const roundTimes = (times: number[]) => {
      // A connection and the request on it are one call.
      const sorted = times.toSorted((a, b) => a - b)
      return sorted.filter((at, i) => i === 0 || at - (sorted[i - 1] ?? 0) > 500)
    }
    await expect
      .poll(async () => Math.min(...(await roundsOf()).map((times) => roundTimes(times).length)), {
        timeout: 30_000,
      })
      .toBeGreaterThanOrEqual(3)
    for (const times of await roundsOf()) {
      const rounds = roundTimes(times)
      const gaps = rounds.slice(1).map((at, i) => at - (rounds[i] ?? 0))
      expect(Math.min(...gaps)).toBeGreaterThan(STEADY.minMs - 500)
    }
  })

  it('hostile agents make no other agent late, and the server no bigger than its bounds', async () => {
    const after = await Metrics.of(api())
    expect(after.quantileSince(before, LATENESS, 0.99)).toBeLessThanOrEqual(1)
    const records = await setting.simulator.records()
    const gaps = soundOnes().flatMap((_, i) => {
      const times = records.times({ agent: HOSTILE.length * EACH + i, what: 'heartbeat' })
      return times.slice(1).map((at, n) => at - (times[n] ?? 0))
    })
    expect(gaps.length).toBeGreaterThan(SOUND * 3)
    expect(Math.max(...gaps)).toBeLessThan(FAST.maxMs + 1500)
    expect((await rssOfServer()) - rssBefore).toBeLessThan(150 * MEBIBYTE)
  })

  it('facts of hostile agents are kept if they are text, and dropped otherwise', async () => {
    const status = async (fault: Fault) =>
      api().call('hostStatus', { params: { host: nameOf(indexesOf(fault)[0] ?? 0) } })
    const { facts } = await status('markup')
    expect(facts?.hostname).toBe(`<script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}\${7*7}`)
    for (const fault of ['escapes', 'half_characters', 'long', 'proto_keys'] as const)
      expect((await status(fault)).facts?.hostname, fault).toBe(nameOf(indexesOf(fault)[0] ?? 0))
    const { url, headers } = api()
    const page = await fetch(`${url}/api/hosts/${nameOf(indexesOf('markup')[0] ?? 0)}/status`, {
      headers: { ...headers, accept: 'text/html' },
    })
    expect(page.headers.get('content-type')).toMatch(/^application\/json/)
  })

  it('hostile agents are online again automatically once they behave', async () => {
    const all = HOSTILE.flatMap(({ fault }) => indexesOf(fault))
    await setting.simulator.behave(all, {})
    await expect
      .poll(async () => (await agents()).filter(({ state }) => state !== 'online').map(({ host }) => host), {
        timeout: 20_000,
      })
      .toEqual([])
  })

  it.each([
    [{ minMs: 5000, maxMs: 4000 }, 'minMs'],
    [{ minMs: 0, maxMs: 4000 }, 'minMs'],
    [{ minMs: -1, maxMs: 4000 }, 'minMs'],
    [{ minMs: 1000, maxMs: 0 }, 'maxMs'],
    [{ minMs: 1000, maxMs: 4000, offlineAfterMs: 4000 }, 'offlineAfterMs'],
  ])('a profile with impossible bounds is refused: %j', async (bounds, field) => {
    const refused = async (method: string, path: string, body: object) => {
      const answer = await api().request<{ error: { code: string; fields: { field: string }[] } }>(
        method,
        path,
        body,
      )
      return [answer.status, answer.body.error.code, answer.body.error.fields[0]?.field]
    }
    const expected = [400, 'request.invalid', field]
    expect(await refused('POST', '/api/heartbeat-profiles', { name: 'impossible', ...bounds })).toEqual(
      expected,
    )
    expect(await refused('PATCH', '/api/heartbeat-profiles/default', bounds)).toEqual(expected)
  })
})
