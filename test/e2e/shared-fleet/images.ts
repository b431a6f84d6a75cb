import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Host } from '../../bed/index.ts'
import { poll } from '../../bed/poll.ts'
import { run } from '../../bed/tools.ts'
import { installPeer } from '../../bench/debian-packages.ts'
import type { Fleet } from '../../fleet/fleet.ts'
import { freePort } from '../../fleet/server-process.ts'

const REGISTRY = '/usr/bin/docker-registry'
const NAME = 'registry.lan/shop/tiny'
const BASE_BYTES = 2_000_000
const CHANGED_BYTES = 100_000
/** The manifest, the config and the headers of tar, beside what changed. */
const OVERHEAD_BYTES = 20_000
const USER = 'ada'
const PASSWORD = 'the-password-of-ada'

/** Two versions of an image without a program: the second has one small layer more. */
const MAKE_IMAGES = `cd /var/tmp
head --bytes ${BASE_BYTES} /dev/urandom > base; head --bytes ${CHANGED_BYTES} /dev/urandom > changed
tar --create base | podman import --quiet - ${NAME}:1
podman create --name next ${NAME}:1 /base
podman cp changed next:/changed
podman commit --quiet next ${NAME}:2
podman save --quiet --output v1.tar ${NAME}:1
podman save --quiet --output v2.tar ${NAME}:2`
const FORGET_IMAGES = 'podman rm --force next; podman image rm --force --all'

/** A docker-registry of Debian on the bed, with a user and a password. */
class PrivateRegistry implements AsyncDisposable {
  readonly host: string
  readonly #process: ChildProcess
  readonly #folder: string

  private constructor(host: string, process: ChildProcess, folder: string) {
    this.host = host
    this.#process = process
    this.#folder = folder
  }

  static async open(address: string): Promise<PrivateRegistry> {
    const missing = await installPeer(REGISTRY, 'docker-registry', () => undefined)
    if (missing !== undefined) throw new Error(missing)
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-registry-'))
    const host = `${address}:${await freePort()}`
    const script =
      'import crypt,sys; print(sys.argv[1]+":"+crypt.crypt(sys.argv[2],crypt.mksalt(crypt.METHOD_BLOWFISH,rounds=2**5)))'
    const users = await run('python3', ['-W', 'ignore', '-c', script, USER, PASSWORD])
    await writeFile(join(folder, 'htpasswd'), `${users}\n`)
    const config = {
      version: '0.1',
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: join(folder, 'data') } },
      http: { addr: host },
      auth: { htpasswd: { realm: 'bed', path: join(folder, 'htpasswd') } },
    }
    // JSON is YAML.
    await writeFile(join(folder, 'config.yml'), JSON.stringify(config))
    const process = spawn(REGISTRY, ['serve', join(folder, 'config.yml')], { stdio: 'ignore' })
    const registry = new PrivateRegistry(host, process, folder)
    await poll(
      () =>
        fetch(`http://${host}/v2/`).then(
          ({ status }) => status === 401,
          () => false,
        ),
      {
        timeoutMs: 20_000,
        what: 'the registry to answer',
      },
    )
    return registry
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await ended
    await rm(this.#folder, { recursive: true, force: true })
  }
}

interface Cast {
  fleet: () => Fleet
  /** Has podman. */
  host: () => Host
}

/** Images that come to the server as archives and from a registry, and from there to a host. */
export const imageStories = (cast: Cast) =>
  describe('images', () => {
    let host: Host
    let fleet: Fleet
    let registry: PrivateRegistry | undefined
    let folder: string

    beforeAll(async () => {
      host = cast.host()
      fleet = cast.fleet()
      folder = await mkdtemp(join(tmpdir(), 'rollcall-images-'))
      registry = await PrivateRegistry.open(fleet.bed.address)
      await host.output(['sh', '-ec', MAKE_IMAGES], { timeoutMs: 120_000 })
      const place = `docker://${registry.host}/shop/tiny:2`
      // As Docker pushes: its manifest stays what it is, and its layers are packed.
      const push = ['podman', 'push', '--quiet', '--format', 'v2s2', '--tls-verify=false']
      push.push('--creds', `${USER}:${PASSWORD}`)
      await host.output([...push, `${NAME}:2`, place], { timeoutMs: 120_000 })
      await host.output(['sh', '-c', FORGET_IMAGES])
    }, 300_000)
    afterAll(async () => {
      await registry?.[Symbol.asyncDispose]()
      if (folder) await rm(folder, { recursive: true, force: true })
      await host?.exec(['sh', '-c', `${FORGET_IMAGES}; rm -rf /var/lib/rollcall-images`])
    })

    const cli = async (...args: string[]) => {
      const { code, stdout, stderr } = await fleet.server.cli(...args)
      return { code, stdout, stderr }
    }
    const add = (version: number) => cli('image', 'add', join(host.root, `var/tmp/v${version}.tar`))
    async function send(ref: string) {
      const { code, stdout, stderr } = await cli('image', 'send', ref, '--host', host.name, '--json')
      expect([code, stderr]).toEqual([0, ''])
      const { hosts } = JSON.parse(stdout) as { hosts: { digest: string; sentBytes: number }[] }
      return hosts[0] as (typeof hosts)[number]
    }
    /** Has podman take an image from where the server put it, and forget it. Returns what podman took it for. */
    async function taken(digest: string): Promise<string> {
      const layout = `/var/lib/rollcall-images/${digest.replace('sha256:', '')}`
      const id = (await host.output(['podman', 'pull', '--quiet', `oci:${layout}`])).trim()
      const digests = await host.output(['podman', 'image', 'inspect', '--format', '{{.Digest}}', id])
      // Podman shows the first digest of an image that it has by two.
      await host.output(['podman', 'image', 'rm', id])
      return digests.trim()
    }
    const passwordFile = async (password: string) => {
      const path = join(folder, 'password')
      await writeFile(path, `${password}\n`, { mode: 0o600 })
      return path
    }

    it('a second version of an image sends its changed layer only, and podman takes both from the host itself', async () => {
      expect(await add(1)).toMatchObject({ code: 0, stdout: expect.stringContaining(`${NAME}:1 sha256:`) })
      expect(await add(2)).toMatchObject({ code: 0, stdout: expect.stringContaining(`${NAME}:2 sha256:`) })
      const first = await send(`${NAME}:1`)
      expect(first.sentBytes).toBeGreaterThan(BASE_BYTES)
      const second = await send(`${NAME}:2`)
      expect(second.sentBytes).toBeGreaterThan(CHANGED_BYTES)
      expect(second.sentBytes).toBeLessThan(CHANGED_BYTES + OVERHEAD_BYTES)
      expect(await send(`${NAME}:2`)).toEqual({ ...second, sentBytes: 0 })
      for (const { digest } of [first, second]) expect(await taken(digest)).toBe(digest)
      const { stdout } = await host.exec(['stat', '-c', '%a %U', '/var/lib/rollcall-images/blobs/sha256'])
      expect(stdout).toMatch(/ root$/)
    }, 120_000)

    it('an image of a private registry is pulled with its password, and a wrong one is told without showing it', async () => {
      const place = registry?.host ?? ''
      const set = async (password: string) =>
        cli(
          'registry',
          'add',
          place,
          '--plain-http',
          '--user',
          USER,
          '--password-file',
          await passwordFile(password),
        )
      expect(await set('not-the-password')).toMatchObject({ code: 0 })
      const refused = await cli('image', 'pull', `${place}/shop/tiny:2`)
      expect(refused).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/the password is wrong.*\(registry\.credentials_refused\)/),
      })
      expect(await set(PASSWORD)).toMatchObject({ code: 0 })
      const pulled = await cli('image', 'pull', `${place}/shop/tiny:2`)
      expect(pulled).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(`${place}/shop/tiny:2 sha256:`),
      })
      const { digest } = await send(`${place}/shop/tiny:2`)
      expect(await taken(digest)).toBe(digest)
      const missing = await cli('image', 'pull', `${place}/shop/tiny:9`)
      expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('image.not_found') })
      const said = fleet.server.lines.join('\n') + refused.stderr + pulled.stderr
      for (const secret of ['not-the-password', PASSWORD]) expect(said).not.toContain(secret)
    }, 120_000)

    it('a host that reaches a registry pulls a spare copy itself, keeps no password, and loses the image only when no service needs it', async () => {
      const place = registry?.host ?? ''
      const file = join(folder, 'tiny.yml')
      const rules = 'pull: host, spares: 1, place: {select: "role=web,zone=b"}'
      const service = `{image: "${place}/shop/tiny:2", deploy: {replicas: 0}, x-rollcall: {${rules}}}`
      await writeFile(file, `name: tiny\nservices: {copy: ${service}}\n`)
      const applied = await cli('service', 'apply', file)
      expect(applied).toMatchObject({ code: 0, stdout: expect.stringContaining(`also kept on ${host.name}`) })
      const shown = async () =>
        JSON.parse((await cli('image', 'show', `${place}/shop/tiny:2`, '--json')).stdout).image
      await poll(async () => (await shown()).spares[0]?.state === 'there', {
        timeoutMs: 60_000,
        what: 'the spare copy to be on the host',
      })
      const { variants } = await shown()
      const hash = variants[0].digest.replace('sha256:', '')
      const has = async () =>
        (await host.exec(['podman', 'image', 'exists', `localhost/rollcall:${hash}`])).exitCode === 0
      expect(await has()).toBe(true)
      const auth = Buffer.from(`${USER}:${PASSWORD}`).toString('base64')
      const search = `grep --recursive --files-with-matches --fixed-strings --regexp ${PASSWORD} --regexp ${auth} /run/rollcall-services /run/containers /var/lib/rollcall-images /var/lib/rollcall-services /var/lib/rollcall-agent || true`
      expect(await host.output(['sh', '-c', search])).toBe('')
      const prune = () => cli('image', 'prune', '--host', host.name, '--older-than', '0')
      expect((await prune()).stdout).not.toContain(`${place}/shop/tiny:2`)
      expect(await has()).toBe(true)
      expect(await cli('service', 'remove', 'tiny/copy')).toMatchObject({ code: 0 })
      await poll(async () => (await shown()).spares.length === 0, {
        timeoutMs: 30_000,
        what: 'the service to be gone',
      })
      expect((await prune()).stdout).toContain(`${host.name} removed ${place}/shop/tiny:2`)
      expect(await has()).toBe(false)
      expect(await host.output(['podman', 'images', '--all', '--quiet'])).toBe('')
    }, 150_000)
  })
