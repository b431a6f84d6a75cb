import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Host } from '../bed/index.ts'
import { prepared } from '../fleet/shared.ts'
import { Fleet, filesOf, isListening, OPS, PASSWORD, reason } from './fleet.ts'

const suite = reason ? `skipped: ${reason}` : 'what is refused before anything is changed'
const MIB = 2 ** 20

describe.skipIf(reason)(suite, () => {
  let fleet: Fleet
  let host: Host
  beforeAll(async () => {
    fleet = await Fleet.open('refusals.spec')
    const plain = { name: 'plain', password: PASSWORD, sudo: 'none' as const }
    const [booted] = await fleet.boot(...prepared([{ name: 'strict', users: [OPS, plain] }]))
    if (!booted) throw new Error('no host')
    host = booted
  })
  afterAll(() => fleet?.[Symbol.asyncDispose]())

  const password = (text: string) => ({ type: 'password' as const, password: text })

  it('a wrong password is refused, naming what was tried', async () => {
    const target = fleet.target(host, { user: 'ops', credential: password('wrong secret') })
    const failure = await fleet.install(target).catch((error) => error)
    expect(failure).toMatchObject({ code: 'ssh.auth_failed', message: expect.stringContaining('password') })
    expect(failure.message).not.toContain('wrong secret')
  })

  it('a changed host key is refused with both fingerprints, and nothing is sent', async () => {
    const pins: string[] = []
    const ports = fleet.ports({ onHostKey: async (fingerprint) => void pins.push(fingerprint) })
    const [changing] = await fleet.boot(...prepared([{ name: 'changing', user: OPS }]))
    if (!changing) throw new Error('no host')
    await fleet.install(fleet.target(changing), ports)
    await changing.changeSshHostKey()
    const target = fleet.target(changing, {
      pinnedHostKey: pins[0] ?? '',
      user: 'ops',
      credential: password(PASSWORD),
    })
    const failure = await fleet.install(target).catch((error) => error)
    expect(failure.code).toBe('host.key_changed')
    expect(failure.message).toContain(pins[0])
    expect(new Set(failure.message.match(/SHA256:[\w+/]{43}/g)).size).toBe(2)
    const journal = await changing.output(['journalctl', '--no-pager', '--unit=ssh'])
    expect(journal).not.toMatch(/(password|publickey) for ops/)
  })

  it('a host that offers another of its keys first is accepted by the pinned one', async () => {
    await host.output(['ssh-keygen', '-A'])
    const config = '/etc/ssh/sshd_config.d/20-rsa.conf'
    await host.output([
      'sh',
      '-c',
      `echo HostKey /etc/ssh/ssh_host_rsa_key > ${config}; systemctl restart ssh.service`,
    ])
    const line = await host.output(['ssh-keygen', '-l', '-f', '/etc/ssh/ssh_host_rsa_key.pub'])
    const rsa = /SHA256:\S+/.exec(line)?.[0] ?? ''
    const target = fleet.target(host, { user: 'plain', credential: password(PASSWORD), pinnedHostKey: rsa })
    await expect(fleet.install(target)).rejects.toMatchObject({ code: 'host.no_sudo' })
  })

  it('a user without sudo is refused', async () => {
    const before = await filesOf(host)
    const target = fleet.target(host, { user: 'plain', credential: password(PASSWORD) })
    await expect(fleet.install(target)).rejects.toMatchObject({ code: 'host.no_sudo' })
    expect(await filesOf(host)).toEqual(before)
  })

  it('a wrong sudo password is refused', async () => {
    const target = fleet.target(host, { user: 'ops', credential: password(PASSWORD), sudoPassword: 'wrong' })
    await expect(fleet.install(target)).rejects.toMatchObject({ code: 'host.sudo_password_wrong' })
  })

  it('a host without Python is refused', async () => {
    const [bare] = await fleet.boot({ name: 'bare', flavour: 'no-python' })
    if (!bare) throw new Error('no host')
    const before = await filesOf(bare)
    await expect(fleet.install(fleet.target(bare))).rejects.toMatchObject({ code: 'host.no_python' })
    expect(await filesOf(bare)).toEqual(before)
  })

  it('a full disk and a read-only one are refused', async () => {
    const [small] = await fleet.boot({ name: 'small' })
    if (!small) throw new Error('no host')
    await small.fillDisk('/opt', 100 * MIB)
    await expect(fleet.install(fleet.target(small))).rejects.toMatchObject({ code: 'host.no_disk' })
    expect(await small.exec(['ls', '/opt/rollcall-tools'])).not.toMatchObject({ exitCode: 0 })
    await small.output(['umount', '/opt'])
    await small.output(['mount', '--types', 'tmpfs', '-o', 'ro,size=1g', 'tmpfs', '/opt'])
    await expect(fleet.install(fleet.target(small))).rejects.toMatchObject({ code: 'host.read_only' })
    await small.output(['umount', '/opt'])
    await fleet.install(fleet.target(small))
  })

  it('a port that is taken is replaced at a first installation, and refused at a later one', async () => {
    const target = fleet.target(host)
    const { rpcPort } = target.identity
    const unit = ['systemd-run', '--quiet', '--unit=squatter']
    await host.output([...unit, 'python3', '-m', 'http.server', String(rpcPort)])
    await expect.poll(() => isListening(host, rpcPort), { timeout: 10_000 }).toBe(true)
    await expect(fleet.install(target, fleet.ports({ firstInstall: false }))).rejects.toMatchObject({
      code: 'host.port_taken',
    })
    const asked: ReadonlySet<number>[] = []
    const changePort = async (taken: ReadonlySet<number>) => {
      asked.push(taken)
      return rpcPort + 10_000
    }
    const result = await fleet.install(target, fleet.ports({ changePort }))
    expect(result.rpcPort).toBe(rpcPort + 10_000)
    expect(asked[0]).toContain(rpcPort)
    expect(asked[0]).toContain(22)
    expect(await isListening(host, rpcPort + 10_000)).toBe(true)
  })
})
