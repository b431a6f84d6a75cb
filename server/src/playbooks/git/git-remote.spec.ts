import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readTar } from '../../platform/archives/tar-reader.ts'
import { AddressRanges } from '../../platform/network/address-ranges.ts'
import { OutgoingAddresses } from '../../platform/network/outgoing-addresses.ts'
import { GitSource } from './git-source.ts'

const MAX = 1024 * 1024
const LOOPBACK = new AddressRanges([{ address: '127.0.0.0', prefix: 8 }])
const folder = mkdtempSync(join(tmpdir(), 'rollcall-git-remote-'))
const repository = join(folder, 'site')
const environment = { ...process.env }
let commit: string
let port: number
let asked: string[] = []
let location: string | undefined
let close: () => void

/** Answers as git's own server does, by its CGI program. */
function serveGit(request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? '/', 'https://git.test')
  const backend = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REQUEST_METHOD: request.method,
      PATH_INFO: pathname.replace('/site.git', '/site/.git'),
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
    },
  })
  request.pipe(backend.stdin)
  const parts: Buffer[] = []
  backend.stdout.on('data', (part) => parts.push(part))
  backend.on('close', () => {
    const whole = Buffer.concat(parts)
    const end = whole.indexOf('\r\n\r\n')
    for (const line of whole.subarray(0, end).toString().split('\r\n')) {
      const [name = '', value = ''] = line.split(/: (.*)/)
      if (name === 'Status') response.statusCode = Number.parseInt(value, 10)
      else if (name !== '') response.setHeader(name, value)
    }
    response.end(whole.subarray(end + 4))
  })
}

/** A repository over HTTPS under the name `git.test`, which no DNS knows. */
beforeAll(async () => {
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], {
      cwd: repository,
      encoding: 'utf8',
    }).trim()
  mkdirSync(repository)
  git('init', '--quiet')
  writeFileSync(join(repository, 'site.yml'), 'one')
  git('add', '--all')
  git('commit', '--quiet', '--message', 'one')
  commit = git('rev-parse', 'HEAD')
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=git.test']
  execFileSync('openssl', [...made, '-addext', 'subjectAltName=DNS:git.test', '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  })
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
    asked.push(request.url ?? '')
    if (location !== undefined) response.writeHead(302, { location }).end()
    else serveGit(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as { port: number }).port
  close = () => server.close()
  process.env.GIT_SSL_CAINFO = cert
})
afterAll(() => {
  process.env = environment
  close()
  rmSync(folder, { recursive: true })
})

const from = (allowed: AddressRanges, host = 'git.test', answers = ['127.0.0.1']) =>
  new GitSource(
    new OutgoingAddresses(
      () => allowed,
      async () => answers.map((address) => ({ address })),
    ),
  ).archive({ url: `https://${host}:${port}/site.git`, commit }, MAX)

it('a repository is fetched from the address that was checked, without resolving its name again', async () => {
  const files = readTar(await from(LOOPBACK))
  expect(files.map(({ path }) => path)).toEqual(['site.yml'])
})

it.each([
  ['git.test', ['127.0.0.1']],
  ['git.test', ['169.254.169.254', '::1']],
  ['127.0.0.1', []],
  ['2130706433', []],
  ['[::ffff:127.0.0.1]', []],
])('a repository on %s, which is %j, is not fetched, and no request is sent there', async (host, answers) => {
  asked = []
  const refusal = {
    code: 'host.address_refused',
    message: expect.stringContaining('ROLLCALL_ALLOWED_ADDRESSES'),
  }
  await expect(from(new AddressRanges([]), host, answers)).rejects.toMatchObject(refusal)
  expect(asked).toEqual([])
})

it('a redirect of a repository is not followed', async () => {
  location = `https://git.test:${port}/elsewhere.git/info/refs`
  asked = []
  await expect(from(LOOPBACK)).rejects.toMatchObject({ code: 'collection.git_failed' })
  expect(asked.filter((path) => path.includes('elsewhere'))).toEqual([])
  location = undefined
})
