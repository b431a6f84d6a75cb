import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { InstallPorts, InstallTarget } from '../../server/src/provisioning/install-ports.ts'
import type { Host } from '../bed/index.ts'
import { ReleaseSigner } from '../fleet/release-signer.ts'
import { Fleet, isListening, leftProcesses, OPS, otherArchive, PASSWORD, reason } from './fleet.ts'

const suite = reason ? `skipped: ${reason}` : 'installations that break off'

describe.skipIf(reason)(suite, () => {
  let fleet: Fleet
  beforeAll(async () => {
    fleet = await Fleet.open('interruptions.spec')
  })
  afterAll(() => fleet?.[Symbol.asyncDispose]())

  const boot = async (name: string, request = {}): Promise<Host> => {
    const [host] = await fleet.boot({ name, ...request })
    if (!host) throw new Error('no host')
    return host
  }

  /** Ports that do something when the log comes to `marker`. */
  const portsThat = (marker: string, act: () => void | Promise<void>) => {
    const ports = fleet.ports()
    let text = ''
    let isDone = false
    return {
      ...ports,
      text: () => text,
      log: async (_stream: 'stdout' | 'stderr', data: Buffer) => {
        text += data.toString('utf8')
        if (isDone || !text.includes(marker)) return
        isDone = true
        await act()
      },
    }
  }

  const expectMended = async (host: Host, target: ReturnType<Fleet['target']>) => {
    await fleet.install(target)
    expect(await isListening(host, target.identity.rpcPort)).toBe(true)
    expect((await fleet.install(target)).changedTasks).toBe(0)
  }

  it.each<[string, Partial<InstallTarget>]>([
    ['root', {}],
    ['a user with sudo', { user: 'ops', credential: { type: 'password' as const, password: PASSWORD } }],
  ])(
    'an installation cancelled in the playbook as %s ends on the host too, and leaves no secret',
    async (_who, login) => {
      const host = await boot(login.user ? 'cancelled-ops' : 'cancelled-root', {
        user: OPS,
        flavour: 'trixie',
      })
      const target = fleet.target(host, login)
      const controller = new AbortController()
      const ports = portsThat('Lay out the release', () => controller.abort(new Error('cancelled')))
      await expect(fleet.install(target, ports, controller.signal)).rejects.toThrow('cancelled')
      await expect.poll(() => leftProcesses(host), { timeout: 15_000 }).toBe('')
      for (const home of ['/root', '/home/ops'])
        expect((await host.exec(['ls', `${home}/.rollcall-staging`])).exitCode).not.toBe(0)
      await expectMended(host, target)
    },
  )

  it.each([
    'Uploading',
    'PLAY [Install',
    'Lay out the release',
    'Write configuration',
    'Record what was started',
  ])('an installation that lost power at "%s" is repaired by the next one', async (marker) => {
    const host = await boot(`power-${marker.toLowerCase().replace(/[^a-z]+/g, '-')}-x`)
    const target = fleet.target(host)
    const ports = portsThat(marker, () => host.powerOff())
    await expect(fleet.install(target, ports)).rejects.toMatchObject({
      code: 'ssh.connection_lost',
      outcome: 'unknown',
    })
    await host.boot()
    await expectMended(host, target)
  })

  it('a cable cut during an installation is noticed within half a minute, and repaired by the next one', async () => {
    const host = await boot('cut')
    const target = fleet.target(host)
    let cutAt = 0
    const ports = portsThat('Write configuration', async () => {
      cutAt = performance.now()
      await host.cut()
    })
    await expect(fleet.install(target, ports)).rejects.toMatchObject({ code: 'ssh.connection_lost' })
    expect(performance.now() - cutAt).toBeLessThan(30_000)
    await host.mend()
    await expectMended(host, target)
  })

  it('a newer installation ends an older one of the same host', async () => {
    const host = await boot('twice')
    const target = fleet.target(host)
    const started = Promise.withResolvers<void>()
    const older = fleet
      .install(
        target,
        portsThat('PLAY [Install', () => started.resolve()),
      )
      .catch((error) => error)
    await Promise.race([started.promise, older])
    await expectMended(host, target)
    expect(await older).toMatchObject({ code: expect.stringMatching(/^(install\.playbook_failed|host\.)/) })
  })

  it('an agent that does not start is reported with its log, and a good one repairs it', async () => {
    const host = await boot('silent')
    const target = fleet.target(host)
    await using broken = await otherArchive(
      fleet.archive,
      'console.error("teapot is short and stout"); process.exit(3)',
    )
    const ports = fleet.ports({ agentArchive: async () => broken })
    await expect(fleet.install(target, ports)).rejects.toMatchObject({ code: 'install.agent_silent' })
    expect(ports.text()).toContain('teapot is short and stout')
    await expectMended(host, target)
  })

  it('a damaged archive is not installed in any part', async () => {
    const host = await boot('damaged')
    const damaged = { ...fleet.archive, sha256: '0'.repeat(64) }
    const ports = fleet.ports({ agentArchive: async () => damaged })
    await expect(fleet.install(fleet.target(host), ports)).rejects.toMatchObject({
      code: 'install.playbook_failed',
      message: expect.stringContaining('damaged'),
    })
    expect((await host.output(['ls', '-A', '/opt/rollcall-agent/releases'])).trim()).toBe('')
    await expectMended(host, fleet.target(host))
  })

  it('a release signed with another key, for other content or not at all is not laid out', async () => {
    const host = await boot('unsigned')
    const stranger = new ReleaseSigner()
    const wrong: Partial<InstallPorts>[] = [
      {
        signRelease: async (archive, architecture) => ({
          ...fleet.signer.sign({ ...archive, architecture }),
          signature: stranger.sign({ ...archive, architecture }).signature,
        }),
      },
      {
        signRelease: async (archive, architecture) =>
          fleet.signer.sign({ ...archive, architecture, version: '9.9.9' }),
      },
      {
        signRelease: async (archive, architecture) => ({
          ...fleet.signer.sign({ ...archive, architecture }),
          signature: '',
        }),
      },
    ]
    for (const changes of wrong)
      await expect(fleet.install(fleet.target(host), fleet.ports(changes))).rejects.toMatchObject({
        message: expect.stringContaining('Nothing was laid out'),
      })
    expect((await host.exec(['ls', '-A', '/opt/rollcall-agent/releases'])).stdout.trim()).toBe('')
    await expectMended(host, fleet.target(host))
    expect(await host.output(['cat', '/etc/rollcall-agent/release-keys'])).toBe(fleet.signer.keyring)
  })

  it('a new release keeps the one before it, removes older ones, and restarts the agent', async () => {
    const host = await boot('releases')
    const target = fleet.target(host)
    const serve = (tag: string) =>
      `import { createServer } from 'node:net'; import { readFileSync } from 'node:fs'; createServer().listen(JSON.parse(readFileSync('/etc/rollcall-agent/config.json')).rpc_port) // ${tag}`
    for (const tag of ['a', 'b', 'c']) {
      await using archive = await otherArchive(fleet.archive, serve(tag))
      await fleet.install(target, fleet.ports({ agentArchive: async () => archive }))
    }
    const releases = (await host.output(['ls', '-A', '/opt/rollcall-agent/releases'])).trim().split('\n')
    expect(releases).toHaveLength(2)
    await expectMended(host, target)
  })
})
