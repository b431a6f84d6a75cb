import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LiveEvent } from '@rollcall/contracts/admin'
import { AGENT_PATHS } from '@rollcall/contracts/agent'
import type { CallInput } from '@rollcall/contracts/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeIdentity } from '../../agent/test/fixtures/certificate.ts'
import { type Host, whyNoBed } from '../bed/index.ts'
import { poll } from '../bed/poll.ts'
import type { Api } from '../fleet/api.ts'
import { Fleet } from '../fleet/fleet.ts'
import { procOf, rootDiskOf } from '../fleet/host-probes.ts'
import { LiveClient } from '../fleet/live-client.ts'
import { Metrics } from '../fleet/metrics.ts'
import { Roll } from '../fleet/roll.ts'

const noBed = await whyNoBed()

/** The faults of hosts; the hosts are distributed among them. */
const FAULTS = ['power', 'freeze', 'cut', 'reboot', 'strangers', 'stop', 'hang'] as const
type FaultKind = (typeof FAULTS)[number]
/** One for each fault by default; more make the same stories heavier. */
const HOSTS = Number(process.env.ROLLCALL_TEST_HOSTS ?? FAULTS.length)
/** All of them, where each takes its time. */
const INSTALLED_MS = 120_000 + HOSTS * 40_000
/** Bounds of the profile `high-availability`. */
const WINDOW_MS = 15_000
const MIN_MS = 4000
const MAX_MS = 6000
/** From a moment until it is stored and shown, on a busy machine. */
const SLACK_MS = 3000
const NEXT_ROUND_MS = MAX_MS + 3 * SLACK_MS
/** Three rounds that fail, a look at which hosts are silent, and an installation beside those of the others. */
const REINSTALLED_MS = WINDOW_MS + 2 * MAX_MS + 5000 + 60_000 * Math.ceil(HOSTS / FAULTS.length)
const SILENCE = /^No answer to [1-4] calls? (at|from) \d\d:\d\d:\d\d .*UTC: The agent does not answer: /

describe.skipIf(noBed)(`calling the roll of ${HOSTS} real hosts ${noBed ?? ''}`, () => {
  let fleet: Fleet
  let api: Api
  let roll: Roll
  let hosts: Host[]

  const suffering = (fault: FaultKind) => hosts.filter((_, at) => FAULTS[at % FAULTS.length] === fault)
  const each = (fault: FaultKind, story: (host: Host) => Promise<void>) =>
    Promise.all(suffering(fault).map((host) => story(host)))
  const set = (host: Host, change: CallInput<'changeHost'>['body']) =>
    api.call('changeHost', { params: { host: host.name }, body: change })
  const systemctl = (host: Host, ...args: string[]) => host.output(['systemctl', ...args])

  beforeAll(async () => {
    fleet = await Fleet.open(
      'roll-call',
      Array.from({ length: HOSTS }, (_, index) => ({ name: `roll-${index + 1}` })),
      { timeoutMs: INSTALLED_MS },
    )
    ;({ api, hosts } = fleet)
    roll = new Roll(api)
    for (const host of hosts) await set(host, { heartbeatProfile: 'high-availability', autoReinstall: false })
    const isCalled = async () => (await roll.agents()).every(({ uptimeS }) => uptimeS !== null)
    await poll(isCalled, { timeoutMs: NEXT_ROUND_MS + 60_000, everyMs: 200, what: 'the first round' })
  }, INSTALLED_MS)
  afterAll(() => fleet?.[Symbol.asyncDispose]())

  /** Offline within the window, with its reason; returns when. */
  const expectOffline = async ({ name }: Host) => {
    const { at, from, code, reason } = await roll.until(name, 'offline', WINDOW_MS + MAX_MS + 2 * SLACK_MS)
    const { lastAnswerAt } = await roll.status(name)
    expect(Date.parse(at) - Date.parse(lastAnswerAt ?? '')).toBeLessThan(WINDOW_MS + SLACK_MS)
    expect({ from, code }).toEqual({
      from: expect.stringMatching(/^(online|degraded)$/),
      code: 'agent.unreachable',
    })
    expect(reason).toMatch(SILENCE)
  }

  it('the fleet shows of each host what the host itself says', async () => {
    await each('reboot', async (host) => {
      const before = await procOf(host)
      const seen = await poll(
        async () => {
          const status = await roll.status(host.name)
          return Date.parse(status.lastAnswerAt ?? '') > before.timeMs && status
        },
        { timeoutMs: NEXT_ROUND_MS, everyMs: 200, what: 'a round' },
      )
      const [after, disk] = [await procOf(host), await rootDiskOf(host)]
      const { facts, vitals } = seen
      const uname = await host.output(['sh', '-c', 'uname -n; uname -r; uname -m; nproc'])
      expect([facts?.hostname, facts?.kernel, facts?.architecture, facts?.cores].join('\n')).toBe(
        uname.trim(),
      )
      const bootId = await host.output(['cat', '/proc/sys/kernel/random/boot_id'])
      expect(facts?.bootId).toBe(bootId.trim())
      expect(vitals?.uptimeS).toBeGreaterThanOrEqual(before.uptimeS)
      expect(vitals?.uptimeS).toBeLessThanOrEqual(after.uptimeS)
      const { total_bytes: totalBytes, swap_total_bytes: swapTotalBytes } = before.memory
      expect(vitals?.memory).toMatchObject({ totalBytes, swapTotalBytes })
      expect(vitals?.disks.find(({ mount }) => mount === '/')).toMatchObject({
        filesystem: disk.filesystem,
        totalBytes: disk.totalBytes,
      })
      expect(Math.abs(seen.clockOffsetMs ?? Infinity)).toBeLessThan(500)
      expect(seen.heartbeat).toMatchObject({
        profile: 'high-availability',
        minMs: MIN_MS,
        offlineAfterMs: WINDOW_MS,
      })
    })
  })

  it('metrics, fleet health and the list of hosts have the same counts', async () => {
    const agree = async () => {
      const metrics = await Metrics.of(api)
      const health = await api.call('clusterHealth')
      const agents = await roll.agents()
      const count = (state: string) => agents.filter((agent) => agent.state === state).length
      const states = [...new Set([...agents.map(({ state }) => state), ...Object.keys(health.states)])]
      return (
        health.total === agents.length &&
        health.healthy === count('online') &&
        states.every((state) => (health.states[state as never] ?? 0) === count(state)) &&
        states.every((state) => metrics.value(`rollcall_agents{state="${state}"}`) === count(state))
      )
    }
    // They are three questions: asked until nothing has changed between them.
    await poll(agree, { timeoutMs: 10_000, what: 'the three to agree' })
  })

  // All at the same time, so that each is one of those that the others must not disturb.
  describe.concurrent('side by side', () => {
    it('a host without power is offline, viewers see why, and it comes back automatically', async () => {
      using live = await LiveClient.open(api)
      const seen: (LiveEvent & { type: 'fleet' })[] = []
      live.socket.on('message', (text) => {
        const event = JSON.parse(String(text)) as LiveEvent
        if (event.type === 'fleet') seen.push(event)
      })
      live.socket.send(JSON.stringify({ type: 'watch-fleet' }))
      await poll(() => seen.some(({ isComplete }) => isComplete), { timeoutMs: 5000, what: 'the snapshot' })
      expect(seen[0]).toMatchObject({ isSnapshot: true, removed: [] })
      expect(seen[0]?.agents.map(({ host }) => host)).toEqual((await roll.agents()).map(({ host }) => host))

      await each('power', async (host) => {
        const { id } = await api.host(host.name)
        await host.powerOff()
        await expectOffline(host)
        const difference = await poll(
          () =>
            seen
              .filter(({ isSnapshot }) => !isSnapshot)
              .flatMap(({ agents }) => agents)
              .find(({ hostId, state }) => hostId === id && state === 'offline'),
          { timeoutMs: 5000, what: 'the difference' },
        )
        expect(Object.keys(difference).sort()).toEqual([
          'areValuesStale',
          'hostId',
          'nextCallAt',
          'state',
          'stateCode',
          'stateReason',
          'stateSince',
        ])
        await host.boot()
        await roll.until(host.name, 'online', NEXT_ROUND_MS)
      })
    })

    it('a frozen host is offline and comes back thawed, and its agent is not reinstalled without permission', async () => {
      await each('freeze', async (host) => {
        await host.freeze()
        await expectOffline(host)
        await host.thaw()
        await roll.until(host.name, 'online', NEXT_ROUND_MS)
        await systemctl(host, 'stop', 'rollcall-agent.service')
        const { reason } = await roll.until(host.name, 'offline', WINDOW_MS + MAX_MS + SLACK_MS)
        expect(reason).toContain('ECONNREFUSED')
      })
    })

    it('a host with a cut cable is offline, and comes back when it is mended', async () => {
      await each('cut', async (host) => {
        await host.cut()
        await expectOffline(host)
        await host.mend()
        await roll.until(host.name, 'online', NEXT_ROUND_MS)
      })
    })

    it('a rebooted host is seen with its new boot, and failing commands make it degraded until one succeeds', async () => {
      await each('reboot', async (host) => {
        const before = (await roll.status(host.name)).facts?.bootId
        await host.reboot()
        const isAnotherBoot = async () => (await roll.status(host.name)).facts?.bootId !== before
        await poll(isAnotherBoot, { timeoutMs: NEXT_ROUND_MS, everyMs: 200, what: 'the next boot' })
        await roll.until(host.name, 'online', NEXT_ROUND_MS)
        const run = async (program: string) => {
          const [command] = await api.run({ hosts: [host.name], program })
          return (await api.ended(command?.id ?? '')).state
        }
        expect([await run('false'), await run('false'), await run('false')]).toEqual(Array(3).fill('failed'))
        const { code, reason } = await roll.until(host.name, 'degraded', NEXT_ROUND_MS)
        expect(code).toBe('host.tasks_failing')
        expect(reason).toMatch(/^The last 3 commands failed/)
        expect(await run('true')).toBe('success')
        await roll.until(host.name, 'online', NEXT_ROUND_MS)
      })
    })

    it('a host that refuses the token or shows another certificate has that state at once, and waits for a person', async () => {
      await each('strangers', async (host) => {
        await set(host, { autoReinstall: true })
        const before = (await api.host(host.name)).agent
        const path = join(host.root, AGENT_PATHS.config)
        const config = JSON.parse(await readFile(path, 'utf8'))
        await writeFile(path, JSON.stringify({ ...config, agent_token: 'x'.repeat(43) }))
        await systemctl(host, 'restart', 'rollcall-agent.service')
        const refused = await roll.until(host.name, 'credentials_refused', NEXT_ROUND_MS)
        expect(refused).toMatchObject({
          code: 'agent.credentials_refused',
          reason: expect.stringContaining('HTTP 404'),
        })
        const refusals = await poll(
          async () => {
            const times = await refusalsOf(host)
            // The agent writes down five a minute.
            return times.length >= 5 && times
          },
          { timeoutMs: 6 * NEXT_ROUND_MS, everyMs: 500, what: 'four more rounds in the log of the agent' },
        )
        // The change of the host asked for a call of its own, which may follow the round that was under way.
        const [, ...rounds] = refusals
        const pauses = rounds.slice(1).map((at, i) => at - (rounds[i] ?? 0))
        expect(Math.min(...pauses)).toBeGreaterThan(MIN_MS - 1500)
        await roll.install(host.name)
        await roll.until(host.name, 'online', NEXT_ROUND_MS)

        const stranger = makeIdentity('stranger')
        await writeFile(join(host.root, AGENT_PATHS.certificate), stranger.certificate)
        await writeFile(join(host.root, AGENT_PATHS.privateKey), stranger.privateKey)
        await systemctl(host, 'restart', 'rollcall-agent.service')
        const changed = await roll.until(host.name, 'identity_changed', NEXT_ROUND_MS)
        expect(changed).toMatchObject({
          code: 'agent.identity_changed',
          reason: expect.stringContaining(stranger.pin),
        })
        await roll.install(host.name)
        await roll.until(host.name, 'online', NEXT_ROUND_MS)
        expect((await api.host(host.name)).agent).toMatchObject({
          port: before?.port,
          certificatePin: before?.certificatePin,
        })
        expect(await roll.reinstallations(host.name)).toEqual([])
      })
    })

    it.each([
      ['was stopped', 'stop', ['stop']],
      ['hangs', 'hang', ['kill', '--signal=STOP', '--kill-who=main']],
    ] as const)('an agent that %s is reinstalled with the same identity if SSH works', async (...row) => {
      const [, fault, how] = row
      await each(fault, async (host) => {
        await set(host, { autoReinstall: true })
        const before = (await api.host(host.name)).agent
        await systemctl(host, ...how, 'rollcall-agent.service')
        await expectOffline(host)
        await roll.until(host.name, 'installing', REINSTALLED_MS)
        await roll.until(host.name, 'online', REINSTALLED_MS)
        expect(await roll.reinstallations(host.name)).toEqual([expect.objectContaining({ state: 'success' })])
        expect((await api.host(host.name)).agent).toMatchObject({
          port: before?.port,
          certificatePin: before?.certificatePin,
        })
      })
    })
  })

  it('no host had a wrong state, and every change is in the history', async () => {
    const online = ['installing', 'online']
    const back = ['offline', 'online']
    const expected: Record<FaultKind, string[][]> = {
      power: [[...online, ...back]],
      freeze: [[...online, ...back, 'offline']],
      cut: [[...online, ...back]],
      // Whether it was away for longer than the window is for the machine to say.
      reboot: [
        [...online, 'degraded', 'online'],
        [...online, ...back, 'degraded', 'online'],
      ],
      strangers: [[...online, 'credentials_refused', ...online, 'identity_changed', ...online]],
      stop: [[...online, 'offline', ...online]],
      hang: [[...online, 'offline', ...online]],
    }
    for (const fault of FAULTS)
      for (const { name } of suffering(fault))
        expect(expected[fault], `${fault}: ${name}`).toContainEqual(await roll.states(name))
  })

  it('an agent that its administrator restarts is back, although reinstalling is off', async () => {
    await each('freeze', async (host) => {
      expect(await roll.reinstallations(host.name)).toEqual([])
      await systemctl(host, 'start', 'rollcall-agent.service')
      await roll.until(host.name, 'online', NEXT_ROUND_MS)
    })
  })
})

/** When an agent refused a caller for its token, by its own log, in epoch milliseconds. */
async function refusalsOf(host: Host): Promise<number[]> {
  const journal = ['journalctl', '--unit=rollcall-agent.service', '--output=json', '--no-pager']
  const lines = (await host.output([...journal, '--grep=rpc.refused reason=http.token']))
    .split('\n')
    .filter(Boolean)
  return lines.map((line) => Number(JSON.parse(line).__REALTIME_TIMESTAMP) / 1000)
}
