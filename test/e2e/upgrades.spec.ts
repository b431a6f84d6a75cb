import { truncate } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { NewUpgradeInput, UpgradeDetail, UpgradeHostView } from '@rollcall/contracts/admin'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Bed, type Host, whyNoBed } from '../bed/index.ts'
import type { Api } from '../fleet/api.ts'
import { keyCredential } from '../fleet/credentials.ts'
import { crashes, neverAnswers, otherArchitecture, Releases, wrongVersion } from '../fleet/releases.ts'
import { ServerProcess } from '../fleet/server-process.ts'

const noBed = await whyNoBed()

describe.skipIf(noBed)(`upgrades ${noBed ?? ''}`, () => {
  let bed: Bed
  let hosts: Host[]
  let releases: Releases
  let server: ServerProcess
  let api: Api

  beforeAll(async () => {
    bed = await Bed.open({ name: 'upgrades' })
    hosts = await bed.boot([
      { name: 'one', flavour: 'bookworm' },
      { name: 'two', flavour: 'bullseye' },
      { name: 'three', flavour: 'trixie' },
    ])
    releases = await Releases.open()
    server = await ServerProcess.start({ env: releases.env })
    api = await server.api()
    const credential = await keyCredential(bed)
    const installed = await Promise.all(
      hosts.map(({ name, address }) => api.addHost({ name, address, credential })),
    )
    for (const { id, state } of installed) expect(state, await api.text(id)).toBe('success')
  })
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await releases?.[Symbol.asyncDispose]()
    await bed?.close()
  })

  const start = async (request: NewUpgradeInput) =>
    (await api.get<{ upgrade: { id: string } }>('POST', '/api/upgrades', request)).upgrade.id
  const show = (id: string) => api.get<UpgradeDetail>('GET', `/api/upgrades/${id}`)
  const ended = async (id: string, timeoutMs = 240_000) => {
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

  it('bring a new agent while a command runs, which ends with its real result', async () => {
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
  })

  it.each([
    ['crashes at its start', crashes, 'rolled_back'],
    ['never answers', neverAnswers, 'rolled_back'],
    ['says another version', wrongVersion, 'rolled_back'],
    ['is for another architecture', otherArchitecture, 'refused'],
  ] as const)('put the old agent back when the new one %s', async (what, flaw, state) => {
    const before = await running(hosts[1] as Host)
    const version = await releases.add(`9.1.0-${what.replaceAll(/[^a-z]/g, '-')}`, flaw)
    const { part, log } = await upgradeOne('two', version)
    expect(part.state, log).toBe(state)
    expect(part.reason).toMatch(/\w/)
    expect(await running(hosts[1] as Host)).toBe(before)
    const [after] = await api.run({ hosts: ['two'], program: 'true' })
    expect(await api.ended(after?.id ?? '')).toMatchObject({ state: 'success' })
  })

  it('change nothing when the archive is cut short', async () => {
    const version = await releases.add('9.2.0')
    await truncate(releases.path(version), 1_000_000)
    const { part, log } = await upgradeOne('two', version)
    expect(part.state, log).toBe('refused')
  })
})
