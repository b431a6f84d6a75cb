import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Bed, type Host, whyNoBed } from '../bed/index.ts'
import { poll } from '../bed/poll.ts'
import { HOSTILE } from './service-host/hostile-words.ts'
import { CLIENT, putImage, SERVER } from './service-host/image.ts'
import { HostProgram, type Order, orderOf } from './service-host/program.ts'
import { testWarden } from './service-host/warden.ts'

const noBed = await whyNoBed()
if (noBed && process.env.CI) throw new Error(noBed)

const CANARY = 'canary-of-a-secret'
const CONFIG = 'first line\n%n $HOME "quoted" \\ ü\n'
const base64 = (text: string) => Buffer.from(text).toString('base64')
const FILE_GRANT = { uid: null, gid: null, mode: null }
const IDLE = `trap 'exit 0' TERM; sleep inf & wait`
const PORT = 20_411
const DATABASE_ANSWERS = {
  container: 'db',
  probe: { kind: 'tcp', port: 5432 },
  is_critical: true,
  interval_ms: 500,
  timeout_ms: 2000,
  fails: 3,
  passes: 2,
  start_period_ms: 20_000,
}
/** Where a secret would be read by others than its container. */
const PLACES = {
  units: 'cat /etc/systemd/system/rollcall*',
  argv: 'cat /proc/[0-9]*/cmdline',
  journal: 'journalctl --no-pager --output=export',
  inspection: 'podman inspect $(podman ps --all --quiet)',
  records:
    'cat /etc/rollcall-services/*/*/instance.json; find /var/lib/rollcall-services; echo rollcall-3fa9c1d2',
}

describe.skipIf(noBed)(`the program of instances ${noBed ?? ''}`, { timeout: 120_000 }, () => {
  let bed: Bed
  let programs: HostProgram[]
  let digest: string
  const first = () => programs[0] as HostProgram
  const onEach = <T>(act: (program: HostProgram) => Promise<T>) => Promise.all(programs.map(act))

  beforeAll(async () => {
    bed = await Bed.open({ name: 'service-host' })
    const hosts = await bed.boot([
      { name: 'bookworm', flavour: 'podman' },
      { name: 'bullseye', flavour: 'podman-bullseye' },
      { name: 'trixie', flavour: 'podman-trixie' },
    ])
    digest = await putImage(hosts)
    programs = await Promise.all(hosts.map(HostProgram.put))
  }, 15 * 60_000)
  afterAll(() => bed?.close(), 60_000)

  /** A database, a job after it, and a service that needs both and has all that is hostile. */
  const group = (host: Host): Promise<Order> => {
    const hasSecretVariables = host.flavour !== 'podman-bullseye'
    const web = {
      name: 'web',
      after: [
        { container: 'db', condition: 'healthy' },
        { container: 'migrate', condition: 'completed' },
      ],
      entrypoint: ['/bin/sh', '-c', `perl -e '${CLIENT}' db:5432; perl -e '${CLIENT}' store:5432; ${IDLE}`],
      command: ['web', ...HOSTILE],
      environment: HOSTILE.map((value, index) => ({ name: `HOSTILE_${index}`, value })),
      labels: HOSTILE.map((value, index) => ({ name: `hostile.${index}`, value })),
      secret_environment: hasSecretVariables ? [{ name: 'PASSWORD', secret: 'password' }] : [],
      secrets: [{ ...FILE_GRANT, source: 'password', target: '/run/secrets/password' }],
      configs: [{ ...FILE_GRANT, source: 'site', target: '/etc/site.conf' }],
      mounts: [
        { type: 'volume', target: '/data', is_read_only: false, source: 'shop_data' },
        { type: 'tmpfs', target: '/tmp', is_read_only: false, size_bytes: 1_048_576, mode: 0o1777 },
        {
          type: 'bind',
          target: '/srv',
          is_read_only: true,
          source: '/srv/made',
          is_created: true,
          propagation: 'rslave',
          selinux: null,
        },
      ],
      sysctls: [{ name: 'net.ipv4.ip_local_port_range', value: '20000 30000' }],
      dropped_capabilities: ['NET_RAW'],
      extra_hosts: [{ name: 'ldap', address: '10.0.0.5' }],
      is_read_only: true,
      hostname: 'web-1',
      working_dir: '/srv',
    }
    return orderOf(
      digest,
      {
        instance: '3fa9c1d2',
        volumes: [{ name: 'shop_data', is_external: false }],
        secrets: { password: base64(CANARY) },
        configs: { site: base64(CONFIG) },
        checks: [DATABASE_ANSWERS],
      },
      [
        {
          name: 'db',
          aliases: ['store'],
          command: ['perl', '-e', SERVER, '5432'],
          ports: [{ target: 5432, published: PORT, protocol: 'tcp', host_ip: null }],
        },
        { name: 'migrate', is_job: true, command: ['/bin/sh', '-c', 'echo migrated; exit 0'] },
        web,
      ],
    )
  }
  const pidOf = async (program: HostProgram, container: string) => {
    const report = await program.waitFor('3fa9c1d2', 'running')
    return report.containers.find(({ name }) => name === container)?.pid
  }
  /** Reads a file of the process of `web`; one that has ended since it was reported is looked for again. */
  const readOfProcess = (program: HostProgram, file: string, other?: number) =>
    poll(
      async () => {
        const pid = await pidOf(program, 'web')
        if (pid == null || pid === other) return
        const { exitCode, stdout } = await program.host.exec(['cat', `/proc/${pid}/${file}`])
        return exitCode === 0 && { pid, text: stdout }
      },
      { timeoutMs: 30_000, what: 'a process of web' },
    )
  const ofProcess = async (program: HostProgram, file: string) =>
    (await readOfProcess(program, file)).text.split('\0')

  it('a group of containers runs healthy on every release of Debian, each after those it needs, and finds its members by name', async () => {
    await onEach(async (program) => {
      await program.run(await group(program.host))
      const { generation, containers } = await program.waitFor('3fa9c1d2', 'running')
      expect([generation, containers.map(({ name, state }) => [name, state])]).toEqual([
        1,
        [
          ['db', 'running'],
          ['migrate', 'finished'],
          ['web', 'running'],
        ],
      ])
      const logs = (await program.exec('logs', '3fa9c1d2')).stdout
      for (const line of [
        'db out listening',
        'migrate out migrated',
        'web out db:5432 says pong',
        'web out store:5432 says pong',
      ])
        expect(logs, program.host.name).toContain(` ${line}`)
      expect(logs, program.host.name).not.toMatch(/ host (Start|Main process)/)
      const health = async () => (await program.seenByWarden())?.health
      await expect.poll(health, { timeout: 20_000 }).toBe('success')
    })
  })

  it('arguments, variables and labels with line breaks, quotes, %, $ and backslashes reach a container unchanged', async () => {
    await onEach(async (program) => {
      const argv = await ofProcess(program, 'cmdline')
      expect(argv.slice(3, -1), program.host.name).toEqual(['web', ...HOSTILE])
      const variables = await ofProcess(program, 'environ')
      for (const [index, value] of HOSTILE.entries())
        expect(variables, program.host.name).toContain(`HOSTILE_${index}=${value}`)
      const format = '{{json .Config.Labels}}'
      const labels = JSON.parse(
        await program.host.output(['podman', 'inspect', '--format', format, 'rollcall-3fa9c1d2-web']),
      )
      expect(labels).toMatchObject(
        Object.fromEntries(HOSTILE.map((value, index) => [`hostile.${index}`, value])),
      )
    })
  })

  it('a secret is in its file and variable of the container, and in no unit, argv, journal or inspection', async () => {
    await onEach(async (program) => {
      const read = (path: string) => program.exec('exec', '3fa9c1d2', 'web', '--', 'cat', path)
      expect((await read('/run/secrets/password')).stdout).toBe(CANARY)
      expect(`${(await read('/etc/site.conf')).stdout}\n`).toBe(CONFIG)
      expect((await program.exec('exec', '3fa9c1d2', 'web', '--', 'sh', '-c', 'exit 7')).exitCode).toBe(7)
      const variables = await ofProcess(program, 'environ')
      expect(variables.includes(`PASSWORD=${CANARY}`)).toBe(program.host.flavour !== 'podman-bullseye')
      for (const [place, search] of Object.entries(PLACES)) {
        const { stdout } = await program.host.exec(['sh', '-c', search])
        expect(stdout, place).toContain('rollcall-3fa9c1d2')
        // To root alone, podman 4.3 shows what variables it has made of its secrets; later ones show nobody.
        const shown =
          program.host.flavour === 'podman' ? stdout.replaceAll(`"PASSWORD=${CANARY}"`, '') : stdout
        const found = [CANARY, base64(CANARY)].filter((form) => shown.includes(form))
        expect(found, `${place} on ${program.host.name}`).toEqual([])
      }
    })
  })

  it('an order of an older generation and one whose port is taken are refused, and what runs stays', async () => {
    const program = first()
    const order = await group(program.host)
    await program.run({ ...order, generation: 3, revision: '3'.repeat(64) })
    const old = await program.prepare({ ...order, generation: 2, revision: '2'.repeat(64) })
    expect(old).toMatchObject({ error: { code: 'instance.generation_old' } })
    expect(await program.step('stop', '3fa9c1d2', '2')).toMatchObject({
      error: { code: 'instance.generation_old' },
    })
    const second = await orderOf(digest, { instance: '0badcafe' }, [
      { name: 'other', ports: [{ target: 1, published: PORT, protocol: 'tcp', host_ip: null }] },
    ])
    expect(await program.prepare(second)).toEqual({
      error: { code: 'instance.port_taken', message: expect.stringContaining(`tcp ${PORT} is taken by `) },
    })
    expect((await program.waitFor('3fa9c1d2', 'running')).generation).toBe(3)
  })

  it('a container comes back when its process or its monitor is killed, and after a reboot without a server', async () => {
    const program = first()
    for (const target of ['child', 'monitor']) {
      const { pid, text } = await readOfProcess(program, 'status')
      const parent = /^PPid:\t(\d+)$/m.exec(text)?.[1] ?? ''
      await program.host.exec(['kill', '-KILL', target === 'child' ? `${pid}` : parent])
      await readOfProcess(program, 'status', pid)
    }
    await program.host.reboot()
    const { containers } = await program.waitFor('3fa9c1d2', 'running')
    expect(containers.map(({ state }) => state)).toEqual(['running', 'finished', 'running'])
  })

  it('a loss of power in any step leaves nothing that keeps the next start from working', async () => {
    const program = first()
    const order = await orderOf(digest, { instance: '0badcafe' }, [
      { name: 'a', command: ['/bin/sh', '-c', IDLE] },
      { name: 'b', command: ['/bin/sh', '-c', IDLE] },
    ])
    const strikes = [
      ['prepare', 400],
      ['start', 700],
      ['stop', 300],
    ] as const
    for (const [step, afterMs] of strikes) {
      const path = await program.upload(order)
      if (step !== 'prepare') await program.run(order).catch(() => undefined)
      if (step === 'start') await program.step('stop', '0badcafe', '1')
      const words = step === 'prepare' ? ['prepare', path] : [step, '0badcafe', '1']
      const struck = program.exec(...words).catch(() => undefined)
      await pause(afterMs)
      await program.host.powerOff()
      await struck
      await program.host.boot()
      await program.run(order)
      await program.waitFor('0badcafe', 'running')
    }
    await program.waitFor('3fa9c1d2', 'running')
  })

  testWarden(
    () => programs,
    () => digest,
  )

  it('a stop ends all processes also for boots to come, and a removal leaves the named volumes and nothing else', async () => {
    await onEach(async (program) => {
      const { instances } = await program.report()
      for (const { instance, generation } of instances) {
        expect(await program.step('stop', instance, String(generation))).toEqual({
          state: 'stopped',
          generation,
        })
        const left = `podman ps --all --format '{{.Names}}' | grep -e '-${instance}-'; ps -e -o args | grep -e '[c]onmon.*-${instance}-'
systemctl list-units --plain --no-legend --state=active,activating,deactivating 'rollcall-i-${instance}-*'`
        expect((await program.host.exec(['sh', '-c', left])).stdout, program.host.name).toBe('')
        expect(await program.step('remove', instance, String(generation))).toEqual({ state: 'gone' })
      }
      const left = `find /etc/rollcall-services /var/lib/rollcall-services/orders -mindepth 1
find /etc/systemd/system -name 'rollcall*'
podman ps --all --quiet; podman network ls --format '{{.Name}}' | grep rollcall; podman secret ls --quiet
podman volume ls --format '{{.Name}}'`
      expect((await program.host.exec(['sh', '-c', left])).stdout.trim(), program.host.name).toBe('shop_data')
    })
  })

  it('an image is listed by the digest of its manifest, and removed once no instance uses it', async () => {
    const program = first()
    const { images } = (await program.step('images')) as { images: { digest: string; bytes: number }[] }
    expect(images.find((image) => image.digest === digest)?.bytes).toBeGreaterThan(1_000_000)
    await program.prepare(await orderOf(digest, { instance: '0badcafe' }, [{ name: 'a' }]))
    expect(await program.step('remove-images', digest)).toMatchObject({ removed: [], kept: [{ digest }] })
    await program.step('remove', '0badcafe', '1')
    expect(await program.step('remove-images', digest)).toEqual({ removed: [digest], kept: [] })
    const order = await orderOf(digest, { instance: '0badcafe' }, [{ name: 'a' }])
    expect(await program.prepare(order)).toMatchObject({ error: { code: 'instance.image_missing' } })
  })
})
