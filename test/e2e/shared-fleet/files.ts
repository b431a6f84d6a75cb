import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AdminResponse } from '@rollcall/contracts/admin'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Host } from '../../bed/index.ts'
import { poll } from '../../bed/poll.ts'
import type { Api } from '../../fleet/api.ts'
import { type Fleet, killAgent } from '../../fleet/fleet.ts'
import { LiveClient } from '../../fleet/live-client.ts'
import type { ServerProcess } from '../../fleet/server-process.ts'

type Shown = AdminResponse<'showTransfer'>

interface Cast {
  fleet: () => Fleet
  host: () => Host
}

/** Files that go to a host and come from it. At the end the host is removed from the fleet. */
export const fileStories = (cast: Cast) =>
  describe('files on a host', () => {
    let host: Host
    let server: ServerProcess
    let api: Api
    let folder: string

    beforeAll(async () => {
      host = cast.host()
      ;({ server, api } = cast.fleet())
      folder = await mkdtemp(join(tmpdir(), 'rollcall-files-'))
    })
    afterAll(async () => {
      if (folder) await rm(folder, { recursive: true, force: true })
    })

    const at = (path: string) => `${host.name}:${path}`
    const succeeded = (counts: string) => expect.stringMatching(new RegExp(`${host.name} +success ${counts}`))
    const cli = async (...args: string[]) => {
      const { code, stdout, stderr } = await server.cli(...args)
      return { code, out: stdout + stderr }
    }
    const add = (content: Buffer) => api.addContent(content)
    const start = async (destination: string, sha256: string) => {
      const { transfer } = await api.call('startTransfer', {
        body: { hosts: [host.name], destination, source: { kind: 'file', sha256 } },
      })
      return transfer.id
    }
    const until = async (id: string, isReached: (shown: Shown) => boolean) => {
      let last: Shown | undefined
      const isThere = async () => {
        // A server that is being restarted does not answer.
        last = await api.call('showTransfer', { params: { id } }).catch(() => undefined)
        return last !== undefined && isReached(last)
      }
      await poll(isThere, { timeoutMs: 120_000, what: `transfer ${id}` })
      return last as Shown
    }
    const ended = (id: string) => until(id, ({ transfer }) => transfer.endedAt !== null)
    const on = (path: string) => join(host.root, path)
    const partsIn = async (path: string) =>
      (await readdir(on(path))).filter((name) => name.startsWith('.rollcall'))

    it('a file arrives by the command line with mode and owner, and is not sent twice', async () => {
      await writeFile(join(folder, 'motd'), 'welcome\n')
      const args = [
        'cp',
        join(folder, 'motd'),
        at('/srv/app/'),
        '--mode',
        '640',
        '--owner',
        'nobody:daemon',
        '--parents',
      ]
      expect(await cli(...args)).toMatchObject({ code: 0, out: succeeded('+1 +0') })
      const { stdout } = await host.exec(['stat', '-c', '%a %U:%G', '/srv/app/motd', '/srv/app'])
      expect(stdout).toBe('640 nobody:daemon\n755 root:root')
      expect(await cli(...args)).toMatchObject({ code: 0, out: succeeded('+0 +1') })
    })

    it('a file sent in one piece is reported as sent', async () => {
      const { hosts } = await ended(await start('/srv/five-bytes', await add(Buffer.from('small'))))
      expect(hosts[0]).toMatchObject({ state: 'success', bytes: 5, totalBytes: 5, filesWritten: 1 })
    })

    it('the progress of a transfer is published live, from beginning to end', async () => {
      const id = await start('/srv/live', await add(randomBytes(24 * 1024 * 1024)))
      using live = await LiveClient.open(api)
      const progress = (await live.followTransfer(id)).flatMap(({ hosts }) => hosts)
      expect(progress.at(-1)).toMatchObject({ host: host.name, state: 'success', bytes: 24 * 1024 * 1024 })
      const bytes = progress.map((host) => host.bytes)
      expect(bytes).toEqual(bytes.toSorted((a, b) => a - b))
      expect(progress[0]?.state).not.toBe('success')
    })

    it('only files that differ are sent of a tree', async () => {
      const tree = join(folder, 'tree')
      await mkdir(join(tree, 'sub'), { recursive: true })
      for (let i = 0; i < 50; i++) await writeFile(join(tree, 'sub', `f${i}`), `content ${i}`)
      const args = ['cp', '-r', tree, at('/srv/tree')]
      expect(await cli(...args)).toMatchObject({ code: 0, out: expect.stringMatching(/success +50 +0/) })
      await writeFile(join(tree, 'sub/f7'), 'changed')
      expect(await cli(...args)).toMatchObject({ code: 0, out: expect.stringMatching(/success +1 +49/) })
      expect(await readFile(on('srv/tree/sub/f7'), 'utf8')).toBe('changed')
    })

    it('a path that a user of the host redirected is refused, and nothing is written there', async () => {
      await host.exec(['install', '-d', '-o', 'nobody', '/srv/theirs'])
      await host.exec(['ln', '-s', '/etc', '/srv/theirs/link'])
      const answer = await cli('cp', join(folder, 'motd'), at('/srv/theirs/link/rollcall-x'))
      expect(answer).toMatchObject({ code: 1, out: expect.stringContaining('symbolic link') })
      expect((await host.exec(['test', '-e', '/etc/rollcall-x'])).exitCode).toBe(1)
      const up = await cli('cp', join(folder, 'motd'), at('/srv/../etc/x'))
      expect(up.code).not.toBe(0)
    })

    it('a transfer resumes where it broke after runner, agent and server were killed', async () => {
      const content = randomBytes(48 * 1024 * 1024)
      const sha256 = await add(content)
      const id = await start('/srv/big', sha256)
      await until(id, ({ hosts }) => (hosts[0]?.bytes ?? 0) > 0)
      for (const unit of ['rollcall-runner.service', 'rollcall-agent.service'])
        await host.exec(['systemctl', 'kill', '--signal=KILL', '--kill-who=main', unit])
      await server.restart('SIGKILL')
      const { hosts } = await ended(id)
      expect(hosts[0]).toMatchObject({ state: 'success', filesWritten: 1 })
      expect(
        createHash('sha256')
          .update(await readFile(on('srv/big')))
          .digest('hex'),
      ).toBe(sha256)
      expect(await partsIn('srv')).toEqual([])
    })

    it('a file is fetched from a host whole, also one that only root may read', async () => {
      await host.exec(['install', '-m', '600', '-o', 'nobody', '/etc/hostname', '/srv/secret'])
      const here = (name: string) => join(folder, name)
      expect(await cli('cp', at('/srv/secret'), here('mine'))).toMatchObject({ code: 0 })
      expect(await cli('cp', at('/etc/os-release'), `${here('in/')}`)).toMatchObject({ code: 0 })
      for (const [copy, origin] of [
        [here('mine'), 'srv/secret'],
        [here('in/os-release'), 'usr/lib/os-release'],
      ] as const)
        expect(await readFile(copy)).toEqual(await readFile(on(origin)))
      expect((await stat(here('mine'))).mode & 0o777).toBe(0o600)
      await host.exec(['ln', '-s', '/etc/shadow', '/srv/theirs/shadow'])
      for (const [path, why] of [
        ['/srv/theirs/shadow', 'symbolic link'],
        ['/srv', 'a folder, not a file'],
        ['/srv/nothing', 'There is no'],
      ] as const)
        expect(await cli('cp', at(path), here('refused'))).toMatchObject({
          code: 1,
          out: expect.stringContaining(why),
        })
      expect((await readdir(folder)).filter((name) => name === 'refused' || name.startsWith('.'))).toEqual([])
      const { entries } = await api.call('listAudit', { query: { action: 'readHostFile' } })
      expect(entries.map(({ detail }) => detail.path)).toContain('/srv/secret')
    })

    it('only files that differ are fetched of a folder, and special files are reported', async () => {
      const script = `mkdir -p /srv/site/sub && cd /srv/site && ln -s /etc/shadow link && mkfifo pipe
      for i in $(seq 1 700); do echo "content $i" > sub/f$i; done; head -c 3000000 /dev/urandom > large; : > empty; chmod 700 sub/f1`
      await host.exec(['sh', '-ec', script])
      const place = join(folder, 'site')
      const first = await cli('cp', '-r', at('/srv/site'), place)
      expect(first).toMatchObject({ code: 0, out: succeeded('+702 +0 ') })
      expect(first.out).toContain('pipe is skipped')
      expect(first.out).not.toContain('link is skipped')
      expect(await readlink(join(place, 'link'))).toBe('/etc/shadow')
      for (const name of ['large', 'empty', 'sub/f1', 'sub/f700'])
        expect(await readFile(join(place, name))).toEqual(await readFile(on(`srv/site/${name}`)))
      expect((await stat(join(place, 'sub/f1'))).mode & 0o777).toBe(0o700)
      expect((await stat(join(place, 'sub/f2'))).mode & 0o777).toBe(0o600)
      expect((await readdir(place)).sort()).toEqual(['empty', 'large', 'link', 'sub'])
      await writeFile(join(place, 'sub/f7'), 'changed here')
      await writeFile(join(place, 'mine'), 'stays')
      await host.exec(['sh', '-c', 'echo new > /srv/site/sub/f8'])
      const second = await cli('cp', '-r', at('/srv/site'), `${folder}/`)
      expect(second).toMatchObject({ code: 0, out: succeeded('+2 +700 ') })
      expect(await readFile(join(place, 'sub/f7'), 'utf8')).toBe('content 7\n')
      expect(await readFile(join(place, 'mine'), 'utf8')).toBe('stays')
      await rm(join(place, 'sub'), { recursive: true })
      await symlink('/tmp', join(place, 'sub'))
      expect(await cli('cp', '-r', at('/srv/site'), `${folder}/`)).toMatchObject({
        code: 1,
        out: expect.stringContaining('is not a folder here'),
      })
      const { entries } = await api.call('listAudit', { query: { action: 'readHostFiles' } })
      expect(entries.map(({ detail }) => detail.path)).toContain('/srv/site')
    })

    it('a file is fetched whole although the agent is killed meanwhile', async () => {
      const response = await fetch(`${api.url}/api/hosts/${host.name}/file?path=/srv/big`, {
        headers: api.headers,
      })
      expect(response.status).toBe(200)
      await killAgent(host)
      const copy = Buffer.from(await response.arrayBuffer())
      expect(copy.equals(await readFile(on('srv/big')))).toBe(true)
      const kept = async () => (await host.exec(['sh', '-c', 'ls /var/lib/rollcall-agent/transfers'])).stdout
      await poll(async () => (await kept()) === '', { timeoutMs: 20_000, what: 'the copy to be removed' })
    })

    it('a full disk fails the transfer with a reason, and the old file stays', async () => {
      await host.exec(['mkdir', '-p', '/srv/small'])
      await host.exec(['cp', '/etc/hostname', '/srv/small/file'])
      await host.fillDisk('/srv/small')
      await host.freeDisk('/srv/small')
      const { hosts } = await ended(await start('/srv/small/file', await add(randomBytes(4_000_000))))
      expect(hosts[0]).toMatchObject({ state: 'failed', reasonCode: 'file.disk_full' })
      expect((await host.exec(['cmp', '/etc/hostname', '/srv/small/file'])).exitCode).toBe(0)
      expect((await host.exec(['ls', '-A', '/srv/small'])).stdout).toBe('file')
    })

    it('tools that are missing or damaged are sent again and work, and no others are sent', async () => {
      const sync = () => api.call('syncTools', { params: { host: host.name } })
      const { version, isNew } = await sync()
      expect(isNew).toBe(false)
      await host.exec(['rm', '-rf', '/opt/rollcall-tools'])
      expect(await sync()).toEqual({ version, isNew: true })
      expect(await sync()).toEqual({ version, isNew: false })
      const tools = '/opt/rollcall-tools/current'
      expect((await host.exec(['cat', `${tools}/VERSION`])).stdout.trim()).toBe(version)
      const ran = await host.exec(['env', 'LC_ALL=C.UTF-8', 'python3', '-I', `${tools}/ansible`, '--version'])
      expect(ran.stdout).toContain('ansible')
      expect((await stat(on(`opt/rollcall-tools/${version}`))).mode & 0o777).toBe(0o755)
    })

    it('removing a host removes the unfinished files of its transfers', async () => {
      const id = await start('/srv/never', await add(randomBytes(64 * 1024 * 1024)))
      await poll(async () => (await partsIn('srv')).length > 0, {
        timeoutMs: 60_000,
        what: 'a part of the file',
      })
      await server.end('SIGKILL')
      expect((await partsIn('srv')).length).toBe(1)
      await server.start()
      const { commandId } = await api.call('removeHost', { params: { host: host.name } })
      expect((await api.ended(commandId ?? '')).state).toBe('success')
      expect(await partsIn('srv')).toEqual([])
      for (const path of ['/opt/rollcall-tools', '/opt/rollcall-agent', '/var/lib/rollcall-agent'])
        expect((await host.exec(['test', '-e', path])).exitCode).toBe(1)
      await api.request('POST', `/api/transfers/${id}/cancel`)
    })
  })
