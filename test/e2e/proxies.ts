import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { run } from '../bed/tools.ts'
import { installPeer } from '../bench/debian-packages.ts'

const GUIDE = fileURLToPath(new URL('../../docs/guides/reverse-proxy.md', import.meta.url))
const LISTENS_WITHIN_MS = 30_000

export type ProxyName = 'nginx' | 'caddy' | 'haproxy'

export interface ProxyPlace {
  folder: string
  /** Where the server listens. */
  server: string
}

interface Program {
  path: string
  /** The guide's lines with this test's addresses, and what stands around them in a whole configuration. */
  configuration(lines: string, folder: string, port: number): string
  argv(file: string): string[]
}

const PROGRAMS: Record<ProxyName, Program> = {
  nginx: {
    path: '/usr/sbin/nginx',
    configuration: (lines, folder, port) => `daemon off;
user root;
pid ${folder}/nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  ${lines.replace('listen 443 ssl', `listen 127.0.0.1:${port} ssl`)}
}
`,
    argv: (file) => ['-c', file],
  },
  caddy: {
    path: '/usr/bin/caddy',
    configuration: (lines, _folder, port) => `{
  admin off
  auto_https disable_redirects
}
${lines.replace('rollcall.example:443', `rollcall.example:${port}`)}
`,
    argv: (file) => ['run', '--adapter', 'caddyfile', '--config', file],
  },
  haproxy: {
    path: '/usr/sbin/haproxy',
    configuration: (lines, _folder, port) => `${lines.replace('bind :443', `bind 127.0.0.1:${port}`)}\n`,
    argv: (file) => ['-db', '-f', file],
  },
}

/** A reverse proxy of Debian's, with the guide's own configuration of it, in front of a server. */
export class ReverseProxy implements AsyncDisposable {
  readonly port: number
  readonly #child: ChildProcess
  readonly #lines: string[]

  private constructor(port: number, child: ChildProcess, lines: string[]) {
    this.port = port
    this.#child = child
    this.#lines = lines
  }

  /** Installs the package where it is missing. Throws where it cannot be had, or does not take the configuration. */
  static async start(name: ProxyName, { folder, server }: ProxyPlace): Promise<ReverseProxy> {
    const { path, configuration, argv } = PROGRAMS[name]
    const missing = await installPeer(path, name, console.log)
    if (missing !== undefined) throw new Error(missing)
    const port = await freePort()
    const lines = (await configurationIn(GUIDE, name))
      .replaceAll('/etc/ssl/rollcall', join(folder, 'rollcall'))
      .replaceAll('127.0.0.1:8420', server)
    const file = join(folder, `${name}.conf`)
    await writeFile(file, configuration(lines, folder, port))
    const child = spawn(path, argv(file), {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const said: string[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => said.push(String(data)))
    const proxy = new ReverseProxy(port, child, said)
    await proxy.#listens()
    return proxy
  }

  async #listens(): Promise<void> {
    const deadline = Date.now() + LISTENS_WITHIN_MS
    while (!(await answers(this.port))) {
      const hasEnded = this.#child.exitCode !== null || this.#child.signalCode !== null
      if (hasEnded || Date.now() > deadline)
        throw new Error(`the proxy does not listen:\n${this.#lines.join('')}`)
      await delay(50)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
  }
}

/** A certificate for `rollcall.example`, in the files that the guide names. Returns it, to be trusted. */
export async function makeCertificate(folder: string): Promise<string> {
  const [key, cert] = [join(folder, 'rollcall.key'), join(folder, 'rollcall.crt')]
  const subject = ['-subj', '/CN=rollcall.example', '-addext', 'subjectAltName=DNS:rollcall.example']
  await run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    ...subject,
    '-keyout',
    key,
    '-out',
    cert,
  ])
  const pem = await readFile(cert, 'utf8')
  await writeFile(join(folder, 'rollcall.pem'), pem + (await readFile(key, 'utf8')))
  return pem
}

/** The block of the guide that is marked as tested. */
async function configurationIn(guide: string, name: ProxyName): Promise<string> {
  const marked = new RegExp(`<!-- tested: ${name} -->\\n\`\`\`\\w+\\n([\\s\\S]*?)\n\`\`\``)
  const [, lines] = marked.exec(await readFile(guide, 'utf8')) ?? []
  if (lines === undefined)
    throw new Error(`${guide} has no configuration of ${name} that is marked as tested`)
  return lines
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const isOpen = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  return isOpen
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
