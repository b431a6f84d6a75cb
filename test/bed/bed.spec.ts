import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Bed, type Flavour, type Host, sweep, whyNoBed } from './index.ts'
import { bedDir, stateDir } from './places.ts'
import { sshRun } from './ssh-run.ts'

const reason = await whyNoBed()
// On CI a bed that cannot be is a failure: skipped there, these tests would never run anywhere.
if (reason && process.env.CI) throw new Error(reason)
const suite = reason ? `skipped: ${reason}` : 'a bed of real hosts'

const BUILD_MS = 20 * 60_000
const BOOT_MS = 3 * 60_000

describe.skipIf(reason)(suite, { timeout: BOOT_MS }, () => {
  let bed: Bed
  let hosts: Map<string, Host>
  const flavours: Flavour[] = ['bookworm', 'bullseye', 'trixie', 'no-python']
  const password = 'correct horse'

  beforeAll(async () => {
    bed = await Bed.open({ name: 'bed.spec' })
    const user = { name: 'ops', password, sudo: 'password' as const }
    const booted = await bed.boot(flavours.map((flavour) => ({ name: `${flavour}-host`, flavour, user })))
    hosts = new Map(booted.map((host) => [host.flavour, host]))
  }, BUILD_MS)

  afterAll(() => bed?.close(), BOOT_MS)

  const hostOf = (flavour: Flavour): Host => {
    const host = hosts.get(flavour)
    if (!host) throw new Error(`no ${flavour} host`)
    return host
  }

  describe.each(flavours)('%s', (flavour) => {
    it('a bed host reaches the state "running" with no failed unit', async () => {
      const host = hostOf(flavour)
      const { stdout } = await host.exec(['systemctl', 'is-system-running', '--wait'])
      expect([stdout, await host.output(['systemctl', '--failed', '--no-legend'])]).toEqual(['running', ''])
    })

    it('a bed host lets root in with the key of the bed', async () => {
      const privateKey = await readFile(bed.key.path, 'utf8')
      expect(await sshRun({ host: hostOf(flavour).address, username: 'root', privateKey }, 'hostname')).toBe(
        `${flavour}-host\n`,
      )
    })

    it('a bed host lets a user in with a password, which sudo asks for', async () => {
      const login = { host: hostOf(flavour).address, username: 'ops', password }
      expect(await sshRun(login, 'sudo -n true 2>&1 || echo refused')).toContain('refused')
      expect(await sshRun(login, `echo '${password}' | sudo -S -p '' id -un`)).toBe('root\n')
    })

    it('a bed host confines a service that asks for it', async () => {
      const host = hostOf(flavour)
      const confined = (properties: string[], argv: string[]) =>
        host.exec([...systemdRun, ...properties.map((property) => `--property=${property}`), ...argv])
      expect((await confined([], ['/bin/kill', '-0', '1'])).exitCode).toBe(0)
      expect((await confined(['SystemCallFilter=~kill', noise], ['/bin/kill', '-0', '1'])).exitCode).not.toBe(
        0,
      )
      expect((await confined(['ProtectSystem=strict'], ['touch', '/usr/written'])).stderr).toContain(
        'Read-only',
      )
      const status = await confined(['NoNewPrivileges=yes', 'CapabilityBoundingSet=CAP_CHOWN'], statusArgv)
      expect(status.stdout).toMatch(/^CapBnd:\s+0000000000000001$/m)
      expect(status.stdout).toMatch(/^NoNewPrivs:\s+1$/m)
    })
  })

  it('a bed host has what its flavour says: python3 on three of the four', async () => {
    const codes = await Promise.all(flavours.map((flavour) => hostOf(flavour).exec(['python3', '--version'])))
    expect(codes.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 127])
  })

  it('the bed gives every host an identity of its own', async () => {
    const files = ['etc/ssh/ssh_host_ed25519_key.pub', 'etc/machine-id']
    const all = await Promise.all(
      bed.hosts.flatMap((host) => files.map((file) => readFile(join(host.root, file), 'utf8'))),
    )
    expect(new Set(all).size).toBe(2 * bed.hosts.length)
  })

  it('bed hosts reach the bed and nothing beyond it', async () => {
    const host = hostOf('bookworm')
    expect((await host.exec(['ping', '-c1', '-W2', bed.address])).exitCode).toBe(0)
    expect((await host.exec(['ping', '-c1', '-W2', hostOf('trixie').address])).exitCode).toBe(0)
    expect((await host.exec(['ip', 'route', 'get', '192.0.2.1'])).stderr).toContain('unreachable')
  })

  it('a power cut of a bed host keeps its files and no process', async () => {
    const host = hostOf('bookworm')
    await host.output(['systemd-run', '--unit=survivor', 'sleep', 'infinity'])
    await host.output(['dd', 'if=/dev/zero', 'of=/root/kept', 'bs=1k', 'count=1', 'conv=fsync'])
    await host.powerOff()
    expect(await host.isSshAnswering()).toBe(false)
    await expect(host.exec(['true'])).rejects.toThrow('powered off')
    await host.boot()
    expect((await host.exec(['systemctl', 'is-active', 'survivor'])).stdout).toBe('inactive')
    expect(await host.output(['stat', '--format=%s', '/root/kept'])).toBe('1024')
  })

  it('a bed host comes back from a reboot as the same machine', async () => {
    const host = hostOf('trixie')
    const bootId = () => host.output(['cat', '/proc/sys/kernel/random/boot_id'])
    const before = await bootId()
    await host.reboot()
    expect(await bootId()).not.toBe(before)
    expect(await host.output(['hostname'])).toBe('trixie-host')
  })

  it('a bed host that shut itself down stays off until it is booted', async () => {
    const host = hostOf('trixie')
    await host.output(['systemctl', 'poweroff', '--no-block'])
    await vi.waitUntil(() => !host.isRunning, { timeout: 30_000 })
    expect(await host.isSshAnswering()).toBe(false)
    await host.boot()
    expect(await host.isSshAnswering()).toBe(true)
  })

  it.each([
    ['freeze', 'thaw'],
    ['cut', 'mend'],
    ['dropTraffic', 'restore'],
  ] as const)('a bed host falls silent on %s and speaks again on %s', async (fault, undo) => {
    const host = hostOf('bullseye')
    expect(await host.isSshAnswering()).toBe(true)
    await host[fault]()
    expect(await host.isSshAnswering(1_500)).toBe(false)
    await host[undo]()
    expect(await host.isSshAnswering(10_000)).toBe(true)
  })

  it('a frozen bed host can be killed', async () => {
    const host = hostOf('bullseye')
    await host.freeze()
    await host.powerOff()
    await host.boot()
    expect(await host.isSshAnswering()).toBe(true)
  })

  it('a full disk refuses writes, keeps its files, and accepts writes again', async () => {
    const host = hostOf('no-python')
    await host.output(['mkdir', '-p', '/var/lib/app'])
    await host.output(['tee', '/var/lib/app/kept'], { input: 'kept' })
    await host.fillDisk('/var/lib/app')
    expect((await host.exec(['tee', '/var/lib/app/new'], { input: 'new' })).stderr).toContain('No space left')
    expect(await host.output(['cat', '/var/lib/app/kept'])).toBe('kept')
    await host.freeDisk('/var/lib/app')
    await host.output(['tee', '/var/lib/app/new'], { input: 'new' })
  })

  it('filling a disk affects a confined service that already runs', async () => {
    const host = hostOf('bookworm')
    await host.output(['mkdir', '-p', '/var/lib/confined'])
    const script = 'until [ -e /run/go ]; do sleep 0.1; done; echo x > /var/lib/confined/new'
    const properties = ['ProtectSystem=strict', 'ReadWritePaths=/var/lib/confined /run']
    const running = host.exec([
      ...systemdRun,
      ...properties.map((p) => `--property=${p}`),
      'sh',
      '-c',
      script,
    ])
    await host.fillDisk('/var/lib/confined')
    await host.output(['touch', '/run/go'])
    expect((await running).exitCode).not.toBe(0)
  })

  it('a bed host shows another SSH host key after changeSshHostKey', async () => {
    const host = hostOf('trixie')
    const before = await readFile(join(host.root, 'etc/ssh/ssh_host_ed25519_key.pub'), 'utf8')
    const now = await host.changeSshHostKey()
    expect(before).not.toContain(now.split(' ')[1])
    await host.waitForSsh()
  })

  it('a bed runs beside another bed and leaves nothing behind on close', async () => {
    const other = await Bed.open({ name: 'other' })
    expect(other.address).not.toBe(bed.address)
    const [host] = await other.boot([{ name: 'bookworm-host' }])
    expect(host?.address).not.toBe(hostOf('bookworm').address)
    await other.close()
    expect(await traces(idOf(other))).toEqual([])
    expect(await hostOf('bookworm').isSshAnswering()).toBe(true)
  })

  it('hosts of a bed whose owner was SIGKILLed die, and a sweep removes the rest', async () => {
    const cli = spawn(process.execPath, [join(import.meta.dirname, 'cli.ts'), 'boot', '1'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const line = await firstLine(cli.stdout)
    const id = idOf({ address: line.split('\t')[1] ?? '' })
    expect(await traces(id)).not.toEqual([])
    await sweep()
    expect(await traces(id), 'a living owner keeps its bed').not.toEqual([])
    cli.kill('SIGKILL')
    await new Promise((resolve) => cli.once('exit', resolve))
    const runs = async () => (await traces(id)).some((trace) => trace.includes(' as '))
    await vi.waitUntil(async () => !(await runs()), { timeout: 10_000 })
    expect(await sweep()).toContain(id)
    expect(await traces(id)).toEqual([])
    expect(existsSync(bedDir(idOf(bed)))).toBe(true)
  })

  it('a sweep removes the bed of a pid that was since reused', async () => {
    const other = await Bed.open({ name: 'recycled' })
    const file = join(bedDir(idOf(other)), 'bed.json')
    const state = JSON.parse(await readFile(file, 'utf8'))
    await writeFile(file, JSON.stringify({ ...state, owner: { ...state.owner, startTime: '1' } }))
    expect(await sweep()).toContain(idOf(other))
    expect(await readdir(stateDir())).not.toContain(idOf(other))
    await other.close()
  })

  it('a host that does not boot fails with the output of its console', async () => {
    const [host] = await bed.boot([{ name: 'broken' }])
    await host?.output(['rm', '/usr/lib/systemd/systemd'])
    await host?.powerOff()
    await expect(host?.boot()).rejects.toThrow(/broken did not come up: .*\n.*systemd/)
  })
})

const systemdRun = ['systemd-run', '--quiet', '--wait', '--pipe']
const noise = 'SystemCallErrorNumber=EPERM'
const statusArgv = ['grep', '-E', 'NoNewPrivs|CapBnd', '/proc/self/status']

function idOf({ address }: { address: string }): string {
  return address
    .split('.')
    .slice(1, 3)
    .map((octet) => Number(octet).toString(16).padStart(2, '0'))
    .join('')
}

/** Lists what the machine still has of a bed. */
async function traces(id: string): Promise<string[]> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n')
  const links = await readdir('/sys/class/net')
  const found = [
    ...mounts.filter((line) => line.includes(bedDir(id))),
    ...links.filter((link) => link.includes(id)),
  ]
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const group = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '')
    // A dead process that its parent has yet to collect has no program any more.
    const program = await readlink(`/proc/${pid}/exe`).catch(() => '')
    if (program && group.includes(`rcb${id}`)) found.push(`${program} as ${pid}`)
  }
  return existsSync(bedDir(id)) ? [...found, bedDir(id)] : found
}

function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve) => createInterface(stream).once('line', resolve))
}
