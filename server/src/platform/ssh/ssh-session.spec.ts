import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { AddressRanges, parseRange } from '../network/address-ranges.ts'
import { OutgoingAddresses } from '../network/outgoing-addresses.ts'
import { connectSsh, type SshSession } from './index.ts'
import { ssh2 } from './ssh2.ts'

interface Oddities {
  /** Runs in the login shell before the program: its login files. */
  login?: string
  /** Sessions that are refused before one is allowed. */
  refusals?: number
  /** Most sessions at a time. */
  maxSessions?: number
  banner?: string
}

const LOOPBACK = new OutgoingAddresses(
  () => new AddressRanges([parseRange('127.0.0.0/8')].filter((range) => range !== undefined)),
)
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const HOST_KEY = makeHostKey()
function makeHostKey(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-host-key-'))
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')])
  const key = readFileSync(join(folder, 'key'), 'utf8')
  rmSync(folder, { recursive: true })
  return key
}

/** An SSH server that runs what it is told in a shell of this machine. Without SFTP. */
async function odd({ login = '', refusals = 0, maxSessions = 1, banner }: Oddities = {}) {
  let left = refusals
  let open = 0
  let most = 0
  const server = new ssh2.Server(
    { hostKeys: [HOST_KEY], ...(banner !== undefined && { banner }) },
    (client) => {
      client.on('error', () => undefined)
      client.on('authentication', (context) =>
        context.method === 'password' ? context.accept() : context.reject(['password']),
      )
      client.on('session', (accept, reject) => {
        if (left-- > 0 || open >= maxSessions) {
          reject()
          return
        }
        most = Math.max(most, ++open)
        const session = accept()
        session.on('close', () => open--)
        session.on('exec', (take, _refuse, { command }) => {
          const stream = take()
          const child = spawn('sh', ['-c', `${login}\n${command}`])
          child.stdin.on('error', () => undefined)
          stream.pipe(child.stdin)
          child.stdout.pipe(stream, { end: false })
          child.stderr.pipe(stream.stderr, { end: false })
          child.on('exit', (code) => stream.exit(code ?? 1))
          child.on('close', () => stream.end())
        })
      })
    },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  const session = await connectSsh({
    address: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    user: 'ops',
    credential: { type: 'password', password: 'x' },
    pinnedHostKey: null,
    onHostKey: async () => undefined,
    outgoing: LOOPBACK,
    signal: new AbortController().signal,
  })
  closing.push(() => session.close())
  return { session, mostSessions: () => most }
}

async function run(session: SshSession, argv: string[], stdin: string | Buffer = '') {
  const said = { stdout: '', stderr: '' }
  const { exitCode } = await session.exec(argv, {
    stdin,
    onOutput: (stream, data) => {
      said[stream] += data.toString('latin1')
    },
  })
  return { exitCode, ...said }
}

describe('a program over SSH', () => {
  it.each([
    ['says nothing', ''],
    ['prints on both outputs', 'echo welcome; echo careful >&2'],
    ['ends with an error', 'echo welcome; false'],
    ['prints without the end of a line', 'printf welcome'],
    ['prints hundreds of kilobytes', 'head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2'],
    ['joins its outputs', 'exec 2>&1'],
    ['has words for its end', 'trap "echo goodbye; echo bye >&2" EXIT'],
  ])('a program over SSH runs normally if a login %s', async (_what, login) => {
    const { session } = await odd({ login })
    const said = await run(session, ['sh', '-c', 'cat; echo "$1"; exit 7', 'sh', "it's"], 'input\n')
    expect(said).toEqual({ exitCode: 7, stdout: "input\nit's\n", stderr: '' })
  })

  it('gets all of its input, where a login reads from it too', async () => {
    const { session } = await odd({ login: 'read -r -t 0 answer 2>/dev/null; true' })
    expect((await run(session, ['cat'], 'one\ntwo\n')).stdout).toBe('one\ntwo\n')
  })

  it('the end of a short program over SSH is seen, thirty times', async () => {
    const { session } = await odd()
    for (let times = 0; times < 30; times++)
      expect(await run(session, ['true'])).toEqual({ exitCode: 0, stdout: '', stderr: '' })
  }, 30_000)

  it('a program over SSH is over when it ends, even if a login process holds its outputs', async () => {
    const { session } = await odd({ login: 'sleep 20 &' })
    const began = performance.now()
    expect(await run(session, ['echo', 'hello'])).toEqual({ exitCode: 0, stdout: 'hello\n', stderr: '' })
    expect(performance.now() - began).toBeLessThan(18_000)
  }, 40_000)

  it('a program over SSH that never ran is reported in the words of what ran instead', async () => {
    const { session } = await odd({ login: 'echo "This account is currently not available."; exit 1' })
    await expect(run(session, ['true'])).rejects.toMatchObject({
      code: 'ssh.no_shell',
      message: expect.stringContaining('It printed: "This account is currently not available."'),
    })
  })

  it('a program over SSH behind an endless login is abandoned', async () => {
    const { session } = await odd({ login: 'yes' })
    await expect(run(session, ['true'])).rejects.toMatchObject({ code: 'ssh.no_shell' })
  })

  it('programs over SSH run one at a time, and wait for a free session', async () => {
    const { session, mostSessions } = await odd({ refusals: 3 })
    const all = Array.from({ length: 5 }, (_, index) => run(session, ['echo', String(index)]))
    expect((await Promise.all(all)).map(({ stdout }) => stdout)).toEqual(['0\n', '1\n', '2\n', '3\n', '4\n'])
    expect(mostSessions()).toBe(1)
  })

  it('a host that allows no session is reported with the option to set', async () => {
    const { session } = await odd({ maxSessions: 0 })
    await expect(run(session, ['true'])).rejects.toMatchObject({
      code: 'ssh.no_session',
      message: expect.stringContaining('MaxSessions'),
    })
  })

  it('a program over SSH that is cancelled while it waits never runs, and delays no other', async () => {
    const { session } = await odd()
    const giveUp = new AbortController()
    const first = run(session, ['sleep', '0.3'])
    const second = session.exec(['true'], { signal: giveUp.signal })
    const third = run(session, ['echo', 'third'])
    giveUp.abort(new Error('cancelled'))
    await expect(second).rejects.toThrow('cancelled')
    expect((await third).stdout).toBe('third\n')
    expect((await first).exitCode).toBe(0)
  })

  it('a host with a banner of two hundred kilobytes is reached', async () => {
    const { session } = await odd({ banner: '='.repeat(200_000) })
    expect((await run(session, ['echo', 'hello'])).stdout).toBe('hello\n')
  })
})

describe('a file to a host without SFTP', () => {
  it.each(['', 'echo welcome; echo careful >&2'])(
    'arrives whole through a shell, also after a login of "%s"',
    async (login) => {
      const folder = await mkdtemp(join(tmpdir(), 'rollcall-upload-'))
      closing.push(() => rm(folder, { recursive: true }))
      const { session } = await odd({ login })
      const content = Buffer.from(Array.from({ length: 3_000_001 }, (_, index) => (index * 31) % 256))
      const path = join(folder, "it's a file")
      const progress: number[] = []
      const onProgress = (sent: number) => void progress.push(sent)
      const sent = await session.putFile(content, path, { mode: 0o640, onProgress })
      expect(sent).toMatchObject({ by: 'shell' })
      expect((await readFile(path)).equals(content)).toBe(true)
      expect((await stat(path)).mode & 0o7777).toBe(0o640)
      expect(progress.at(-1)).toBe(content.length)
      // Over what is there, and an empty one.
      await session.putFile(Buffer.alloc(0), path, { mode: 0o600 })
      expect((await stat(path)).size).toBe(0)
      expect((await run(session, ['ls', folder])).stdout).toBe("it's a file\n")
    },
  )

  it('an upload without SFTP that fails is reported in the words of the host, and leaves nothing', async () => {
    const { session } = await odd()
    await expect(session.putFile(Buffer.from('x'), '/proc/no/such', { mode: 0o600 })).rejects.toMatchObject({
      code: 'ssh.transfer_failed',
      message: expect.stringMatching(/No such file|nonexistent/i),
    })
    await expect(session.putFile(Buffer.from('x'), '/dev/full/x', { mode: 0o600 })).rejects.toThrow()
  })
})
