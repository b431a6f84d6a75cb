import { truncate } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { NewUpgradeInput, UpgradeHostView } from '@rollcall/contracts/admin'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Host, whyNoBed } from '../bed/index.ts'
import type { Api } from '../fleet/api.ts'
import { Fleet } from '../fleet/fleet.ts'
import { ReleaseSigner } from '../fleet/release-signer.ts'
import {
  crashes,
  type Flaw,
  neverAnswers,
  otherArchitecture,
  Releases,
  wrongVersion,
} from '../fleet/releases.ts'

const noBed = await whyNoBed()
const { ROLLCALL_TEST_HOSTS: WANTED } = process.env
/** As many as wanted: they are tried all at once. */
const HOSTS = Math.max(3, Number(WANTED ?? 3))
const CRASHES = ['crashes at its start', crashes, 'rolled_back'] as const
/** Tried on one host each, unless somebody wants a number of hosts: then on every one of them. */
const SAMPLED = [
  ['never answers', neverAnswers, 'rolled_back'],
  ['says another version', wrongVersion, 'rolled_back'],
  ['is for another architecture', otherArchitecture, 'refused'],
] as const
const onEveryHost = WANTED === undefined ? [CRASHES] : [CRASHES, ...SAMPLED]
const FLAVOURS = ['bookworm', 'bullseye', 'trixie'] as const
const nameOf = (index: number) => ['one', 'two', 'three'][index] ?? `host-${index + 1}`
/** Twenty share two cores. */
const FLEET_MS = 195_000 + HOSTS * 15_000

describe.skipIf(noBed)(`upgrades of ${HOSTS} hosts ${noBed ?? ''}`, { timeout: 2 * FLEET_MS }, () => {
  let fleet: Fleet
  let hosts: Host[]
  let releases: Releases
  let api: Api

  beforeAll(async () => {
    releases = await Releases.open()
    const requests = Array.from({ length: HOSTS }, (_, index) => ({
      name: nameOf(index),
      flavour: FLAVOURS[index] ?? ('bookworm' as const),
    }))
    fleet = await Fleet.open('upgrades', requests, { server: { env: releases.env }, timeoutMs: FLEET_MS })
    ;({ api, hosts } = fleet)
  }, 2 * FLEET_MS)
  afterAll(async () => {
    await fleet?.[Symbol.asyncDispose]()
    await releases?.[Symbol.asyncDispose]()
  })

  const start = async (request: NewUpgradeInput) =>
    (await api.call('startUpgrade', { body: request })).upgrade.id
  const show = (id: string) => api.call('showUpgrade', { params: { id } })
  const ended = async (id: string, timeoutMs = FLEET_MS) => {
    const deadline = Date.now() + timeoutMs
    for (let seen: unknown; ; await delay(200)) {
      const detail = await show(id).catch((error: Error) => error)
      if (!(detail instanceof Error) && detail.upgrade.endedAt !== null) return detail
      seen = detail
      if (Date.now() > deadline) throw new Error(`upgrade ${id} has not ended: ${JSON.stringify(seen)}`)
    }
  }
  const logOf = async ({ commandId }: UpgradeHostView) => (commandId ? api.text(commandId) : 'no log')
  const upgradeOne = async (host: string, version: string) => {
    const id = await start({ hosts: [host], version })
    const { hosts: parts } = await ended(id)
    const [part] = parts
    if (!part) throw new Error('no host')
    return { part, log: await logOf(part) }
  }
  const running = (host: Host) =>
    host.output(['cat', '/opt/rollcall-agent/current/VERSION']).then((text) => JSON.parse(text).version)
  const allRunning = () => Promise.all(hosts.map(running))
  const states = async (id: string) => {
    const { upgrade, hosts: parts } = await ended(id)
    return { state: upgrade.state, hosts: parts.map((part) => part.state), parts }
  }
  /** Nothing but what the next upgrade begins with. */
  const expectTidy = async (host: Host) => {
    const left = await host.output(['ls', '/var/lib/rollcall-upgrade'])
    expect(left.trim().split('\n')).toEqual(['agent_switch.py', 'report.json'])
    expect((await host.exec(['systemctl', 'cat', 'rollcall-upgrade-guard.service'])).exitCode).not.toBe(0)
  }

  it('an upgrade under a running command leaves it to end with its real result', async () => {
    const version = await releases.add('9.0.0')
    const script = 'for i in $(seq 1 60); do echo $i; sleep 0.2; done; exit 7'
    const [command] = await api.run({ hosts: ['one'], program: 'sh', args: ['-c', script] })
    if (!command) throw new Error('no command')
    await api.until(command.id, (seen) => seen.outputBytes > 0)
    const { part, log } = await upgradeOne('one', version)
    expect(part.state, log).toBe('upgraded')
    expect(await running(hosts[0] as Host)).toBe(version)
    expect(await api.ended(command.id)).toMatchObject({ state: 'failed', exitCode: 7 })
    const lines = Array.from({ length: 60 }, (_, i) => `${i + 1}\n`).join('')
    expect(await api.text(command.id)).toBe(lines)
    expect((await api.host('one')).agent?.version).toBe(version)
    await expectTidy(hosts[0] as Host)
  })

  it('an upgrade is accepted by the keyring of the host: none yet, a newer one, and never a foreign key', async () => {
    const [host] = hosts as [Host]
    const keyring = '/etc/rollcall-agent/release-keys'
    const kept = () => host.output(['cat', keyring])
    const first = await kept()
    const { releases: known } = await api.call('listReleases')
    expect(known.map(({ signedBy }) => signedBy)).toEqual(known.map(() => 'servers'))

    await host.output(['rm', keyring])
    const unpinned = await releases.add('0.0.5')
    expect(await upgradeOne('one', unpinned)).toMatchObject({ part: { state: 'upgraded' } })
    expect(await kept()).toBe(first)

    await api.call('renewReleaseKey')
    const rotated = await releases.add('0.0.6')
    expect(await upgradeOne('one', rotated)).toMatchObject({ part: { state: 'upgraded' } })
    expect(await kept()).not.toBe(first)
    const second = await kept()

    const stranger = new ReleaseSigner()
    await host.output(['sh', '-c', 'printf %s "$1" > "$2"', 'sh', stranger.keyring, keyring])
    const refused = await releases.add('0.0.7')
    const { part, log } = await upgradeOne('one', refused)
    expect(part.state, log).not.toBe('upgraded')
    expect(`${part.reason} ${log}`).toContain('none that the host trusts has signed them')
    expect(await running(host)).toBe(rotated)
    expect(await kept()).toBe(stranger.keyring)
    expect((await host.output(['ls', '/opt/rollcall-agent/releases'])).includes(refused)).toBe(false)
    await host.output(['sh', '-c', 'printf %s "$1" > "$2"', 'sh', second, keyring])
  })

  it('an upgrade reaches a fleet in rings, the canary first', async () => {
    const version = await releases.add('9.0.1')
    const rings = { canary: 1, batch: 5, gateMs: 500 }
    const { state, hosts: each, parts } = await states(await start({ all: true, version, rings }))
    expect({ state, each }, JSON.stringify(parts)).toEqual({
      state: 'done',
      each: Array(HOSTS).fill('upgraded'),
    })
    expect(await allRunning()).toEqual(Array(HOSTS).fill(version))
  })

  const addFlawed = (what: string, flaw: Flaw) =>
    releases.add(`9.1.0-${what.replaceAll(/[^a-z]/g, '-')}`, flaw)
  const expectSound = async (which: readonly Host[]) => {
    const after = await api.run({ hosts: which.map(({ name }) => name), program: 'true' })
    for (const { id } of after) expect(await api.ended(id)).toMatchObject({ state: 'success' })
    await Promise.all(which.map(expectTidy))
  }

  it.each(onEveryHost)(
    'an upgrade puts the old agent back on every host when the new one %s',
    async (what, flaw, state) => {
      const before = await allRunning()
      const version = await addFlawed(what, flaw)
      // Each is tried, whatever became of the others.
      const rings = { canary: 0, batch: 10, gateMs: 0, stopAfterFailures: HOSTS + 1 }
      const { hosts: each, parts } = await states(await start({ all: true, version, rings }))
      expect(each, JSON.stringify(parts)).toEqual(Array(HOSTS).fill(state))
      for (const { reason } of parts) expect(reason).toMatch(/\w/)
      expect(await allRunning()).toEqual(before)
      await expectSound(hosts)
    },
  )

  it.skipIf(WANTED !== undefined)(
    'an upgrade puts the old agent back when the new one never answers, says another version or is for another architecture',
    async () => {
      const before = await allRunning()
      // One at a time is packed; then each host has another one of them, at the same time.
      const flawed: { host: Host; version: string; state: string }[] = []
      for (const [index, [what, flaw, state]] of SAMPLED.entries())
        flawed.push({ host: hosts[index] as Host, version: await addFlawed(what, flaw), state })
      await Promise.all(
        flawed.map(async ({ host, version, state }) => {
          const { part, log } = await upgradeOne(host.name, version)
          expect(part.state, log).toBe(state)
          expect(part.reason).toMatch(/\w/)
        }),
      )
      expect(await allRunning()).toEqual(before)
      await expectSound(flawed.map(({ host }) => host))
    },
  )

  it('an upgrade touches no other host when its canary failed', async () => {
    const before = await allRunning()
    const version = await releases.add('9.1.1', crashes)
    const { state, hosts: each } = await states(await start({ all: true, version }))
    expect({ state, each }).toEqual({
      state: 'stopped',
      each: ['rolled_back', ...Array(HOSTS - 1).fill('cancelled')],
    })
    expect(await allRunning()).toEqual(before)
  })

  it('an upgrade changes nothing if the release does not fit on the disk', async () => {
    const [host] = hosts as [Host]
    const before = await running(host)
    const version = await releases.add('9.1.2')
    await host.fillDisk('/opt/rollcall-agent/releases')
    const { part, log } = await upgradeOne('one', version)
    // Programs that were started meanwhile lie on it.
    await host.output(['umount', '--lazy', '/opt/rollcall-agent/releases'])
    expect(part.state, log).toBe('refused')
    expect(log).toMatch(/No space left on device/)
    expect(await running(host)).toBe(before)
    await expectTidy(host)
    expect((await upgradeOne('one', version)).part.state).toBe('upgraded')
  })

  it('an upgrade changes nothing if the archive is truncated', async () => {
    const version = await releases.add('9.2.0')
    await truncate(releases.path(version), 1_000_000)
    const { part, log } = await upgradeOne('two', version)
    expect(part.state, log).toBe('refused')
    await expectTidy(hosts[1] as Host)
  })
})
