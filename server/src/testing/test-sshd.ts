import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Connection, Server, ServerChannel } from 'ssh2'
import { describeHostKey } from '../platform/ssh/host-key.ts'
import { ssh2 } from '../platform/ssh/ssh2.ts'

/** Returns the report of a sound Debian host; `changes` alter it. */
export const toReport = (changes: Record<string, string | undefined> = {}): string => {
  const report = {
    uid: '0',
    user: 'root',
    machine: 'x86_64',
    kernel: '6.1.0',
    word_bits: '64',
    os: 'Debian GNU/Linux 12 (bookworm)',
    libc: 'glibc 2.36',
    init: 'systemd',
    systemd: 'systemd 252',
    python: '3.11.2',
    python_lacks: '',
    disk_opt: '8000000 500000 / rw',
    disk_etc: '8000000 500000 / rw',
    disk_var: '8000000 500000 / rw',
    disk_home: '8000000 500000 / rw',
    disk_var_tmp: '8000000 500000 / rw',
    is_root: 'yes',
    unwritable: '',
    listening: '0016',
    agent_ports: '',
    ...changes,
  }
  const lines = Object.entries(report).flatMap(([key, value]) =>
    value === undefined ? [] : `${key}=${value}`,
  )
  return `rollcall-preflight-begin\n${lines.join('\n')}\nrollcall-preflight-end\n`
}

/**
 * An SSH server on loopback that accepts `root` with one password. It runs commands here, with stand-ins for `sh` and
 * `id`, so that a spec can script the host's report.
 */
export class TestSshd implements AsyncDisposable {
  /** The passwords received. */
  readonly passwords: string[] = []
  report: Record<string, string | undefined> = {}
  password: string
  readonly fingerprint: string
  readonly #server: Server
  readonly #folder: string

  private constructor(server: Server, fingerprint: string, password: string, folder: string) {
    this.#server = server
    this.fingerprint = fingerprint
    this.password = password
    this.#folder = folder
  }

  static async start(password: string): Promise<TestSshd> {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-sshd-'))
    await writeFile(join(folder, 'id'), '#!/bin/sh\necho 0\n', { mode: 0o755 })
    const answer =
      '#!/bin/sh\nif [ "$1" = -c ]; then exec /bin/sh "$@"; fi\ncat >/dev/null\nprintf %s "$REPORT"\n'
    await writeFile(join(folder, 'sh'), answer, { mode: 0o755 })
    const keys = ssh2.utils.generateKeyPairSync('ed25519')
    const blob = Buffer.from(keys.public.split(' ')[1] ?? '', 'base64')
    const server = new ssh2.Server({ hostKeys: [keys.private] })
    const sshd = new TestSshd(server, describeHostKey(blob).fingerprint, password, folder)
    server.on('connection', (client) => sshd.#serve(client))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return sshd
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
    await rm(this.#folder, { recursive: true })
  }

  #serve(client: Connection): void {
    client.on('error', () => undefined) // a client that goes as soon as it has seen the key
    client.on('authentication', (attempt) => {
      if (attempt.method !== 'password') return attempt.reject(['password'])
      this.passwords.push(attempt.password)
      if (attempt.username === 'root' && attempt.password === this.password) attempt.accept()
      else attempt.reject(['password'])
    })
    client.on('session', (accept) =>
      accept().on('exec', (acceptExec, _reject, { command }) => this.#run(command, acceptExec())),
    )
  }

  #run(command: string, channel: ServerChannel): void {
    const env = { PATH: `${this.#folder}:/usr/bin:/bin`, REPORT: toReport(this.report) }
    const child = spawn('/bin/sh', ['-c', command], { env })
    child.stdin.on('error', () => undefined) // a program that ended without reading all of it
    channel.pipe(child.stdin)
    child.stdout.pipe(channel, { end: false })
    child.stderr.pipe(channel.stderr, { end: false })
    child.on('close', (code) => {
      channel.exit(code ?? 1)
      channel.end()
    })
  }
}
