import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type {
  AgentPackage,
  InstallPorts,
  InstallTarget,
} from '../../server/src/provisioning/install-ports.ts'
import type { Host } from '../bed/index.ts'
import { ReleaseSigner } from '../fleet/release-signer.ts'
import { Fleet, isListening, LISTENS, leftProcesses, OPS, otherArchive, PASSWORD, reason } from './fleet.ts'

const suite = reason ? `skipped: ${reason}` : 'installations that break off'

/** The words in the log with which each step begins. */
const STEPS = [
  'Uploading',
  'PLAY [Install',
  'Lay out the release',
  'Write configuration',
  'Record what was started',
] as const
/** Ways in which an installation breaks off. */
const KINDS = ['power', 'cancel', 'cut', 'newer'] as const
type Step = (typeof STEPS)[number]
type Kind = (typeof KINDS)[number]

/**
 * Each step once and each kind at least once, one after the other on one host: an installation comes to its step only by repairing what the one
 * before has left. A newer one needs time to end an older one, which is there as long as the release is not laid out.
 */
const SAMPLE: readonly [Step, Kind][] = [
  ['Uploading', 'power'],
  ['Lay out the release', 'cancel'],
  ['PLAY [Install', 'newer'],
  ['Write configuration', 'cut'],
  ['Record what was started', 'power'],
]
const LOGINS = {
  root: {},
  'a user with sudo': { user: 'ops', credential: { type: 'password' as const, password: PASSWORD } },
} satisfies Record<string, Partial<InstallTarget>>
/** Each kind at each step with each login, each on a fresh host: `npm run chaos -- interruptions`. */
const WHOLE = STEPS.flatMap((step) =>
  KINDS.filter((kind) => kind !== 'newer' || step === 'PLAY [Install').flatMap((kind) =>
    Object.entries(LOGINS).map(([who, login]) => ({ step, kind, who, login })),
  ),
)
const isWhole = process.env.ROLLCALL_TEST_INTERRUPTIONS === 'all'

it('the sample of interruptions has every step once and every kind', () => {
  expect(SAMPLE.map(([step]) => step).toSorted()).toEqual([...STEPS].sort())
  expect(new Set(SAMPLE.map(([, kind]) => kind))).toEqual(new Set(KINDS))
})

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

  /** Lists what an installation has left running, besides an agent that it has started. */
  const leftOf = async (host: Host) =>
    (await leftProcesses(host))
      .split('\n')
      .filter((line) => line && !line.includes('/opt/rollcall-agent/current/'))

  type Ports = ReturnType<Fleet['ports']>
  const expectInstalled = async (host: Host, target: InstallTarget, ports?: Ports) => {
    await fleet.install(target, ports)
    expect(await isListening(host, target.identity.rpcPort)).toBe(true)
  }
  const expectMended = async (host: Host, target: InstallTarget, ports?: Ports) => {
    await expectInstalled(host, target, ports)
    expect((await fleet.install(target, ports)).changedTasks).toBe(0)
  }

  /** Each breaks an installation off as it comes to a step, and checks what is to be seen of that at once. */
  const breakOff: Record<Kind, (host: Host, target: InstallTarget, step: Step) => Promise<void>> = {
    power: async (host, target, step) => {
      const ports = portsThat(step, () => host.powerOff())
      await expect(fleet.install(target, ports)).rejects.toMatchObject({
        code: 'ssh.connection_lost',
        outcome: 'unknown',
      })
      await host.boot()
    },
    /** Ends on the host too, and leaves no secret. */
    cancel: async (host, target, step) => {
      const controller = new AbortController()
      const ports = portsThat(step, () => controller.abort(new Error('cancelled')))
      await expect(fleet.install(target, ports, controller.signal)).rejects.toThrow('cancelled')
      await expect.poll(() => leftOf(host), { timeout: 15_000 }).toEqual([])
      for (const home of ['/root', '/home/ops'])
        expect((await host.exec(['ls', `${home}/.rollcall-staging`])).exitCode).not.toBe(0)
    },
    /** Noticed within half a minute. */
    cut: async (host, target, step) => {
      let cutAt = 0
      const ports = portsThat(step, async () => {
        cutAt = performance.now()
        await host.cut()
      })
      await expect(fleet.install(target, ports)).rejects.toMatchObject({ code: 'ssh.connection_lost' })
      expect(performance.now() - cutAt).toBeLessThan(30_000)
      await host.mend()
    },
    /** A newer installation of the same host ends the older one, and succeeds. */
    newer: async (host, target, step) => {
      const started = Promise.withResolvers<void>()
      const ports = portsThat(step, () => started.resolve())
      const older = fleet.install(target, ports).catch((error) => error)
      await Promise.race([started.promise, older])
      await expectInstalled(host, target)
      expect(await older).toMatchObject({ code: expect.stringMatching(/^(install\.playbook_failed|host\.)/) })
    },
  }

  if (isWhole)
    it.each(WHOLE)(
      'an installation by $who that ends by $kind at "$step" is repaired by the next one',
      async ({ step, kind, who, login }) => {
        const index = WHOLE.findIndex((one) => one.step === step && one.kind === kind && one.login === login)
        const flavour = who === 'root' ? 'bookworm' : 'trixie'
        const host = await boot(`broken-${index}`, { user: OPS, flavour })
        const target = fleet.target(host, login)
        await breakOff[kind](host, target, step)
        await expectMended(host, target)
        await host.powerOff()
      },
    )

  // They wait for a link that is silent and for hosts that boot: side by side.
  describe.concurrent('on the way', () => {
    it('an installation that breaks off at each step, each time in another way, is repaired by the next one', async () => {
      const host = await boot('broken')
      // Each with an identity of its own, so that each has something to write and to start.
      for (const [step, kind] of SAMPLE) await breakOff[kind](host, fleet.target(host), step)
      await expectMended(host, fleet.target(host))
    })

    it('an installation cancelled in the playbook as a user with sudo ends on the host too, and leaves no secret', async () => {
      const host = await boot('cancelled-ops', { user: OPS, flavour: 'trixie' })
      const target = fleet.target(host, LOGINS['a user with sudo'])
      await breakOff.cancel(host, target, 'Lay out the release')
      await expectMended(host, target)
    })
  })

  // One host for all, in this order: what is refused leaves it bare, and what is not is replaced by what comes after.
  describe('releases', () => {
    let host: Host
    let target: InstallTarget
    beforeAll(async () => {
      host = await boot('releases')
      target = fleet.target(host)
    })

    const portsWith = (archive: AgentPackage, changes: Partial<InstallPorts> = {}) =>
      fleet.ports({ agentArchive: async () => archive, ...changes })
    const releases = async () =>
      (await host.exec(['ls', '-A', '/opt/rollcall-agent/releases'])).stdout.split('\n').filter(Boolean)

    it('a damaged archive is not installed in any part', async () => {
      await using archive = await otherArchive(host, LISTENS)
      const ports = portsWith({ ...archive, sha256: '0'.repeat(64) })
      await expect(fleet.install(target, ports)).rejects.toMatchObject({
        code: 'install.playbook_failed',
        message: expect.stringContaining('damaged'),
      })
      expect(await releases()).toEqual([])
    })

    it('a release signed with another key, for other content or not at all is not laid out', async () => {
      await using archive = await otherArchive(host, LISTENS)
      const stranger = new ReleaseSigner()
      const wrong: InstallPorts['signRelease'][] = [
        async (release, architecture) => ({
          ...fleet.signer.sign({ ...release, architecture }),
          signature: stranger.sign({ ...release, architecture }).signature,
        }),
        async (release, architecture) => fleet.signer.sign({ ...release, architecture, version: '9.9.9' }),
        async (release, architecture) => ({
          ...fleet.signer.sign({ ...release, architecture }),
          signature: '',
        }),
      ]
      for (const signRelease of wrong)
        await expect(fleet.install(target, portsWith(archive, { signRelease }))).rejects.toMatchObject({
          message: expect.stringContaining('Nothing was laid out'),
        })
      expect(await releases()).toEqual([])
    })

    it('an agent that does not start is reported with its log, and a good one repairs it', async () => {
      await using broken = await otherArchive(
        host,
        "import sys; print('teapot is short and stout', file=sys.stderr); sys.exit(3)",
      )
      const ports = portsWith(broken)
      await expect(fleet.install(target, ports)).rejects.toMatchObject({ code: 'install.agent_silent' })
      expect(ports.text()).toContain('teapot is short and stout')
      await using good = await otherArchive(host, LISTENS)
      await expectMended(host, target, portsWith(good))
    })

    it('a new release keeps the one before it, removes older ones, and restarts the agent', async () => {
      for (const tag of ['a', 'b', 'c']) {
        await using archive = await otherArchive(host, `${LISTENS} # ${tag}`)
        await fleet.install(target, portsWith(archive))
      }
      expect(await releases()).toHaveLength(2)
      await expectMended(host, target)
      expect(await releases()).toHaveLength(2)
      expect(await host.output(['cat', '/etc/rollcall-agent/release-keys'])).toBe(fleet.signer.keyring)
    })
  })
})
