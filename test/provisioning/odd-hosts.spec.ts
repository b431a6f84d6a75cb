import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AddressRanges } from '../../server/src/platform/network/address-ranges.ts'
import { OutgoingAddresses } from '../../server/src/platform/network/outgoing-addresses.ts'
import { connectSsh } from '../../server/src/platform/ssh/index.ts'
import type { InstallPorts, InstallTarget } from '../../server/src/provisioning/install-ports.ts'
import { type Host, readBanner } from '../bed/index.ts'
import { poll } from '../bed/poll.ts'
import { ServerProcess } from '../fleet/server-process.ts'
import { Fleet, filesOf, LISTENS, newIdentity, otherArchive, PASSWORD, reason } from './fleet.ts'
import { makeOddUsers, type OddName } from './odd-users.ts'

const suite = reason ? `skipped: ${reason}` : 'hosts as they are'
const LIVING = new AbortController().signal

/** Further sshds of the same host, each with one oddity, by port. */
const SSHDS = {
  2201: ['KexAlgorithms diffie-hellman-group14-sha1'],
  2202: ['HostKey /etc/ssh/ssh_host_rsa_key', 'HostKeyAlgorithms ssh-rsa'],
  2203: ['Ciphers aes128-cbc'],
  2204: ['KexAlgorithms sntrup761x25519-sha512@openssh.com'],
  2205: [],
  2206: ['Subsystem sftp /bin/false'],
  2207: ['PerSourcePenalties authfail:60s min:1s'],
} as const

describe.skipIf(reason)(suite, () => {
  let fleet: Fleet
  let host: Host
  let before: string[]
  let bedKey: string
  /** The error of a login that never ends: it takes half a minute, in which others may be added. */
  let waiting: Promise<Error>
  const identity = newIdentity()
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-odd-'))

  beforeAll(async () => {
    fleet = await Fleet.open('odd-hosts.spec')
    const [booted] = await fleet.boot({ name: 'odd', flavour: 'odd' })
    if (!booted) throw new Error('no host')
    host = booted
    bedKey = readFileSync(fleet.bed.key.path, 'utf8')
    keygen('-t', 'ed25519', '-N', '', '-f', join(folder, 'ca'))
    await makeOddUsers(host, fleet.bed.key.publicKey.trim(), readFileSync(join(folder, 'ca.pub'), 'utf8'))
    await startSshds()
    await host.output(['ip', 'address', 'add', 'fe80::a/64', 'dev', 'host0', 'nodad'])
    before = await filesOf(host)
    waiting = refused('tmux')
  })
  afterAll(async () => {
    rmSync(folder, { recursive: true })
    await fleet?.[Symbol.asyncDispose]()
  })

  const keygen = (...words: string[]) => execFileSync('ssh-keygen', ['-q', ...words], { stdio: 'pipe' })
  const key = (changes: object = {}) => ({ type: 'key' as const, privateKey: bedKey, ...changes })

  async function startSshds() {
    await host.output([
      'ssh-keygen',
      '-q',
      '-t',
      'rsa',
      '-b',
      '2048',
      '-N',
      '',
      '-f',
      '/etc/ssh/ssh_host_rsa_key',
    ])
    for (const [port, lines] of Object.entries(SSHDS)) {
      const text = ['HostKey /etc/ssh/ssh_host_ed25519_key', 'UsePAM yes', 'StrictModes yes']
      const all = [`Port ${port}`, ...(lines.join().includes('HostKey ') ? text.slice(1) : text), ...lines]
      const file = `/etc/ssh/odd-${port}.conf`
      await host.output(['sh', '-c', 'cat >"$1"', 'sh', file], { input: `${all.join('\n')}\n` })
      await host.output(['systemd-run', '--quiet', `--unit=sshd-${port}`, '/usr/sbin/sshd', '-D', '-f', file])
      const isUp = async () => (await readBanner(host.address, Number(port))) !== undefined
      await poll(isUp, { timeoutMs: 20_000, everyMs: 100, what: `the sshd on port ${port}` })
    }
  }

  function target(user: OddName | 'root', changes: Partial<InstallTarget> = {}): InstallTarget {
    return fleet.target(host, { user, credential: key({ password: PASSWORD }), identity, ...changes })
  }
  /** Adds the host to its end, and returns the log. */
  async function added(
    user: OddName | 'root',
    changes: Partial<InstallTarget> = {},
    changedPorts: Partial<InstallPorts> = {},
  ): Promise<string> {
    const ports = fleet.ports(changedPorts)
    await fleet.install(target(user, changes), ports)
    return ports.text()
  }
  /** Everything that an installation asks of a session: root, output, input and files. */
  async function signedIn(user: OddName | 'root', changes: Partial<InstallTarget> = {}): Promise<string> {
    const session = await connectSsh({
      ...target(user, changes),
      signal: LIVING,
      onHostKey: async () => undefined,
    })
    try {
      const path = `/var/tmp/${user}-file`
      const content = Buffer.from(Array.from({ length: 70_001 }, (_, index) => (index * 31) % 256))
      const run = async (argv: string[], stdin: string | Buffer = '') => {
        const said: Buffer[] = []
        await session.exec(argv, {
          becomeRoot: true,
          stdin,
          onOutput: (_stream, data) => void said.push(data),
        })
        return Buffer.concat(said)
      }
      // Side by side: they must take their turns where the host has one session for them.
      const [sent, uid, echo] = await Promise.all([
        session.putFile(content, path, { mode: 0o640 }),
        run(['id', '-u']),
        run(['cat'], content),
      ])
      expect(uid.toString()).toBe('0\n')
      expect(echo.equals(content)).toBe(true)
      expect((await run(['cat', path])).equals(content)).toBe(true)
      expect((await run(['stat', '-c', '%a %U', path])).toString()).toBe(`640 ${user}\n`)
      expect((await run(['sh', '-c', 'rm -- "$1"; ls /var/tmp | grep -c part', 'sh', path])).toString()).toBe(
        '0\n',
      )
      return sent.by === 'shell' ? sent.why : sent.by
    } finally {
      await session.close()
    }
  }
  const refused = async (user: OddName | 'root', changes: Partial<InstallTarget> = {}): Promise<Error> =>
    fleet.install(target(user, changes)).then(
      () => Promise.reject(new Error(`${user} was added`)),
      (error) => error,
    )

  describe('login files', () => {
    it('login files that print and read input are no obstacle: files go through a shell, and the log says why', async () => {
      const log = await added('noisy')
      expect(log).toContain('over a shell instead of SFTP: login files of the user print "Welcome to web-1"')
      expect(log).not.toContain('please behave')
      expect(log).toMatch(/agent .*: 100 % of/)
    })

    it('login files that leave a process holding the outputs do not delay a program that has ended', async () => {
      const session = await connectSsh({
        ...target('lingering'),
        signal: LIVING,
        onHostKey: async () => undefined,
      })
      const began = performance.now()
      expect(await session.exec(['true'])).toEqual({ exitCode: 0, signal: null })
      expect(performance.now() - began).toBeLessThan(40_000)
      await session.close()
    })

    it('login files that print without end are aborted by us and not by the host', async () => {
      const error = await refused('flooding')
      expect(error).toMatchObject({
        code: 'ssh.no_shell',
        message: expect.stringContaining('more than 16 MiB'),
      })
    })

    it('login files that print hundreds of kilobytes are no obstacle', async () => {
      expect(await signedIn('chatty')).toContain('a login file')
    })

    it('login files that run another program are reported in the words of that program', async () => {
      const leaves = await refused('leaver')
      const waits = await waiting
      expect(waits).toMatchObject({ code: 'ssh.no_shell', message: expect.stringContaining('within 30 s') })
      expect(leaves).toMatchObject({ code: 'ssh.no_shell' })
      expect(leaves.message).toContain('open terminal failed: not a terminal')
    })
  })

  describe('sessions', () => {
    it('one session at a time suffices for a whole installation', async () => {
      // Another release than the one before, so that it is sent; a small one, as its size is not what is asked here.
      await using archive = await otherArchive(host, LISTENS)
      const log = await added('oneseat', {}, { agentArchive: async () => archive })
      expect(log).toMatch(/agent .*: 100 % of/)
      expect(log).not.toContain('over a shell')
    })

    it.each(['oneseat', 'twoseats', 'threeseats', 'fourseats'] as const)(
      'sessions limited to %s suffice for concurrent calls',
      async (user) => {
        expect(await signedIn(user)).toBe('sftp')
      },
    )

    it('sessions that are not allowed are reported with the option of sshd', async () => {
      const error = await refused('noseat')
      expect(error).toMatchObject({ code: 'ssh.no_session', message: expect.stringContaining('MaxSessions') })
    })

    it('sessions begin behind a banner of two hundred kilobytes', async () => {
      expect(await signedIn('bannered')).toBe('sftp')
    })
  })

  describe('ways to sign in', () => {
    it.each(['both', 'bothasked', 'asked'] as const)(
      '%s signs in by key and password together',
      async (user) => {
        expect(await signedIn(user)).toBe('sftp')
      },
    )

    it('a password that is missing besides the key is asked for by name', async () => {
      const error = await refused('both', { credential: key() })
      expect(error).toMatchObject({ code: 'ssh.auth_failed' })
      expect(error.message).toContain('publickey (ssh-ed25519), which it accepted')
      expect(error.message).toContain('--key and --password-stdin')
    })

    it('a wrong password besides the key is refused without being shown, and not tried twice', async () => {
      const error = await refused('both', { credential: key({ password: 'wrong secret' }) })
      expect(error).toMatchObject({ code: 'ssh.auth_failed' })
      expect(error.message).not.toContain('wrong secret')
      const journal = await host.output(['journalctl', '--no-pager', '--unit=ssh'])
      expect(journal.match(/Failed password for both/g)).toHaveLength(1)
    })

    it.each(['ed25519', 'ecdsa', 'rsa'])('a certificate of an %s key signs in', async (kind) => {
      expect(await signedIn('certified', { credential: certified(kind, 'certified') })).toBe('sftp')
    })

    it('a certificate for another user is refused, saying whom it is for', async () => {
      const error = await refused('certified', { credential: certified('ed25519', 'somebody') })
      expect(error).toMatchObject({ code: 'ssh.auth_failed' })
      expect(error.message).toContain('certificate "odd" for somebody')
    })

    function certified(kind: string, principal: string) {
      const path = join(folder, `${kind}-${principal}`)
      keygen('-t', kind, ...(kind === 'rsa' ? ['-b', '2048'] : []), '-N', '', '-f', path)
      keygen('-s', join(folder, 'ca'), '-I', 'odd', '-n', principal, '-V', '+1d', `${path}.pub`)
      const read = (file: string) => readFileSync(file, 'utf8')
      return { type: 'key' as const, privateKey: read(path), certificate: read(`${path}-cert.pub`) }
    }

    it.each(['v2', 'v3'])('a PuTTY key of version %s with a passphrase signs in', async (version) => {
      const read = (name: string) =>
        readFileSync(new URL(`../../server/src/platform/ssh/testing/putty-${name}`, import.meta.url), 'utf8')
      const keys = '/home/noisy/.ssh/authorized_keys'
      await host.output(['sh', '-c', 'cat >>"$1"', 'sh', keys], { input: read('ecdsa.pub') })
      const privateKey = read(`ecdsa-${version}-locked.ppk`)
      const credential = { type: 'key' as const, privateKey, passphrase: 'open sesame' }
      expect(await signedIn('noisy', { credential })).toContain('a login file')
    })
  })

  describe('what runs in place of a program is told in its own words', () => {
    it.each<[OddName, string, RegExp]>([
      ['forced', 'Only backups here', /forced command/],
      ['nologin', 'This account is currently not available', /usermod --shell/],
      ['expired', 'password', /passwd expired|chage -M -1 expired/],
    ])('an account of the kind %s is refused in the words of its program', async (user, words, remedy) => {
      const error = await refused(user, { credential: key() })
      expect(error).toMatchObject({ code: 'ssh.no_shell' })
      expect(error.message).toContain(words)
      expect(error.message).toMatch(remedy)
    })

    it('an account for files only is refused in the words of its server', async () => {
      expect(await refused('sftponly')).toMatchObject({ code: 'ssh.no_shell' })
    })

    it('an account that has expired is refused in the words of the host', async () => {
      const error = await refused('ended', { credential: key() })
      expect(error).toMatchObject({ code: 'ssh.auth_failed' })
      expect(error.message).toMatch(/It said: "Your account has expired.*chage --list/)
    })

    it('a locked account is refused by its password, in the words of the host', async () => {
      const error = await refused('locked', { credential: { type: 'password', password: PASSWORD } })
      expect(error).toMatchObject({ code: 'ssh.auth_failed' })
      expect(error.message).toMatch(/after password; .*neither locked nor expired/)
    })
  })

  it('a host that turns this server away for earlier refusals is told apart from one that is down', async () => {
    const credential = { type: 'password' as const, password: 'wrong secret' }
    const messages: string[] = []
    const isAway = async () => {
      messages.push((await refused('noisy', { port: 2207, credential })).message)
      return messages.at(-1)?.includes('PerSourcePenaltyExemptList')
    }
    // sshd takes note of a refusal when its process for the connection has ended.
    await poll(isAway, { timeoutMs: 20_000, everyMs: 100, what: 'the penalty' })
    expect(messages[0]).toContain('refused user noisy')
    expect(messages.at(-1)).toContain('turns connections from this server away')
  })

  describe('login shells', () => {
    it.each(['fishy', 'csher'] as const)('%s runs a whole installation', async (user) => {
      expect(await added(user)).toContain('listens on port')
    })
  })

  describe('sudo', () => {
    it.each(['ttyonly', 'ttypass', 'rust'] as const)(
      'sudo as %s allows a whole installation',
      async (user) => {
        expect(await added(user)).toContain('listens on port')
      },
    )

    it.each(['lectured', 'german', 'localised', 'rustfree'] as const)(
      'sudo as %s allows every call',
      async (user) => {
        await signedIn(user)
      },
    )

    it.each<[OddName, string, RegExp]>([
      ['stranger', 'host.no_sudo', /stranger/],
      ['narrow', 'host.no_sudo', /not allowed/],
      ['narrowfree', 'host.no_sudo', /sudo/],
      ['rootword', 'host.sudo_password_wrong', /rootpw/],
      ['ruststranger', 'host.no_sudo', /sudo/],
    ])('sudo as %s is refused by %s', async (user, code, words) => {
      expect(await refused(user)).toMatchObject({ code, message: expect.stringMatching(words) })
    })

    it('sudo with a wrong password is refused, showing nothing of it', async () => {
      const error = await refused('wrongword', { sudoPassword: 'no such word' })
      expect(error).toMatchObject({ code: 'host.sudo_password_wrong' })
      expect(error.message).not.toContain('no such word')
    })
  })

  describe('homes and /tmp', () => {
    it('homes and /tmp that are unusable or missing are left alone', async () => {
      await host.output(['mount', '-t', 'tmpfs', '-o', 'noexec,size=64k', 'tmpfs', '/tmp'])
      await host.exec(['sh', '-c', 'head -c 1000000 /dev/zero >/tmp/full'])
      for (const user of ['homeless', 'squashed', 'frozen'] as const) {
        expect(await added(user)).toContain('Uploading to /var/tmp/.rollcall-staging-')
      }
      await host.output(['umount', '/tmp'])
    })
  })

  describe('SFTP', () => {
    it.each<[number, RegExp]>([
      [2206, /does not start|offers no SFTP|printed into/],
      [2205, /offers no SFTP/],
    ])('SFTP that is missing or broken on port %s is replaced by a shell', async (port, why) => {
      expect(await signedIn('root', { port, credential: key() })).toMatch(why)
    })
  })

  describe('addresses', () => {
    it('an IPv6 address with a zone can be installed over, and its agent answers', async () => {
      const address = `fe80::a%${fleet.bed.bridge}`
      const linkLocal = new AddressRanges([{ address: 'fe80::', prefix: 10 }])
      const outgoing = new OutgoingAddresses(() => linkLocal)
      const log = await added('root', { address, credential: key(), outgoing })
      expect(log).toContain('listens on port')
      const socket = connect({ host: address, port: identity.rpcPort, rejectUnauthorized: false })
      await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
      socket.destroy()
    })
  })

  describe('old algorithms', () => {
    it.each<[number, RegExp]>([
      [2201, /key exchange.*KexAlgorithms \+curve25519-sha256/],
      [2202, /host key.*ssh-keygen -A/],
      [2203, /cipher.*Ciphers \+aes256-gcm/],
      [2204, /key exchange.*KexAlgorithms/],
    ])('old algorithms on port %s are refused, saying what to change', async (port, words) => {
      const error = await refused('root', { port })
      expect(error).toMatchObject({ code: 'ssh.no_algorithm', message: expect.stringMatching(words) })
    })
  })

  it('a server adds, calls and commands a host by key and password, over a link-local address', async () => {
    await using server = await ServerProcess.start({ env: { ROLLCALL_ALLOWED_ADDRESSES: 'fe80::/10' } })
    const api = await server.api()
    const address = `fe80::a%${fleet.bed.bridge}`
    const credential = key({ password: PASSWORD })
    const { id, state } = await api.addHost(
      { name: 'odd', address, user: 'both', credential, takeOver: true },
      180_000,
    )
    expect(state, await api.text(id)).toBe('success')
    const [command] = await api.run({ hosts: ['odd'], program: 'id', args: ['-un'] })
    expect(await api.ended(command?.id ?? '')).toMatchObject({ state: 'success' })
    expect(await api.text(command?.id ?? '')).toBe('root\n')
    const shown = JSON.stringify([await api.host('odd'), await api.text(id)])
    for (const secret of [PASSWORD, 'PRIVATE KEY']) expect(shown).not.toContain(secret)
  })

  it('no refusal has changed anything on the host, and nothing is left of the additions', async () => {
    await fleet.remove(target('noisy'))
    expect(await filesOf(host)).toEqual(before)
  })
})
