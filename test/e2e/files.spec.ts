import { createHash, randomBytes } from 'node:crypto'
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AdminResponse } from '@rollcall/contracts/admin'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Host, whyNoBed } from '../bed/index.ts'
import { poll } from '../bed/poll.ts'
import { run } from '../bed/tools.ts'
import { installPeer } from '../bench/debian-packages.ts'
import type { Api } from '../fleet/api.ts'
import { Fleet, killAgent } from '../fleet/fleet.ts'
import { LiveClient } from '../fleet/live-client.ts'
import type { ServerProcess } from '../fleet/server-process.ts'
import { ACCESS_LIST, CAPABILITY, setAttribute, toPicture } from './tree-picture.ts'

const noBed = await whyNoBed()

type Shown = AdminResponse<'showTransfer'>

describe.skipIf(noBed)(`files on a host ${noBed ?? ''}`, () => {
  let fleet: Fleet
  let host: Host
  let server: ServerProcess
  let api: Api
  let folder: string

  beforeAll(async () => {
    fleet = await Fleet.open('files', [{ name: 'store' }])
    ;({ server, api } = fleet)
    ;[host] = fleet.hosts as [Host]
    folder = await mkdtemp(join(tmpdir(), 'rollcall-files-'))
  })
  afterAll(async () => {
    await fleet?.[Symbol.asyncDispose]()
    if (folder) await rm(folder, { recursive: true, force: true })
  })

  const cli = async (...args: string[]) => {
    const { code, stdout, stderr } = await server.cli(...args)
    return { code, out: stdout + stderr }
  }
  const add = (content: Buffer) => api.addContent(content)
  const start = async (destination: string, sha256: string) => {
    const { transfer } = await api.call('startTransfer', {
      body: { hosts: ['store'], destination, source: { kind: 'file', sha256 } },
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
      'store:/srv/app/',
      '--mode',
      '640',
      '--owner',
      'nobody:daemon',
      '--parents',
    ]
    expect(await cli(...args)).toMatchObject({ code: 0, out: expect.stringMatching(/store +success +1 +0/) })
    const { stdout } = await host.exec(['stat', '-c', '%a %U:%G', '/srv/app/motd', '/srv/app'])
    expect(stdout).toBe('640 nobody:daemon\n755 root:root')
    expect(await cli(...args)).toMatchObject({ code: 0, out: expect.stringMatching(/store +success +0 +1/) })
  })

  it('a file sent in one piece is reported as sent', async () => {
    const { hosts } = await ended(await start('/srv/five-bytes', await add(Buffer.from('small'))))
    expect(hosts[0]).toMatchObject({ state: 'success', bytes: 5, totalBytes: 5, filesWritten: 1 })
  })

  it('the progress of a transfer is published live, from beginning to end', async () => {
    const id = await start('/srv/live', await add(randomBytes(24 * 1024 * 1024)))
    using live = await LiveClient.open(api)
    const progress = (await live.followTransfer(id)).flatMap(({ hosts }) => hosts)
    expect(progress.at(-1)).toMatchObject({ host: 'store', state: 'success', bytes: 24 * 1024 * 1024 })
    const bytes = progress.map((host) => host.bytes)
    expect(bytes).toEqual(bytes.toSorted((a, b) => a - b))
    expect(progress[0]?.state).not.toBe('success')
  })

  it('only files that differ are sent of a tree', async () => {
    const tree = join(folder, 'tree')
    await mkdir(join(tree, 'sub'), { recursive: true })
    for (let i = 0; i < 50; i++) await writeFile(join(tree, 'sub', `f${i}`), `content ${i}`)
    const args = ['cp', '-r', tree, 'store:/srv/tree']
    expect(await cli(...args)).toMatchObject({ code: 0, out: expect.stringMatching(/success +50 +0/) })
    await writeFile(join(tree, 'sub/f7'), 'changed')
    expect(await cli(...args)).toMatchObject({ code: 0, out: expect.stringMatching(/success +1 +49/) })
    expect(await readFile(on('srv/tree/sub/f7'), 'utf8')).toBe('changed')
  })

  it('a path that a user of the host redirected is refused, and nothing is written there', async () => {
    await host.exec(['install', '-d', '-o', 'nobody', '/srv/theirs'])
    await host.exec(['ln', '-s', '/etc', '/srv/theirs/link'])
    const answer = await cli('cp', join(folder, 'motd'), 'store:/srv/theirs/link/rollcall-x')
    expect(answer).toMatchObject({ code: 1, out: expect.stringContaining('symbolic link') })
    expect((await host.exec(['test', '-e', '/etc/rollcall-x'])).exitCode).toBe(1)
    const up = await cli('cp', join(folder, 'motd'), 'store:/srv/../etc/x')
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
    expect(await cli('cp', 'store:/srv/secret', here('mine'))).toMatchObject({ code: 0 })
    expect(await cli('cp', 'store:/etc/os-release', `${here('in/')}`)).toMatchObject({ code: 0 })
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
      expect(await cli('cp', `store:${path}`, here('refused'))).toMatchObject({
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
    const first = await cli('cp', '-r', 'store:/srv/site', place)
    expect(first).toMatchObject({ code: 0, out: expect.stringMatching(/store +success +702 +0 /) })
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
    const second = await cli('cp', '-r', 'store:/srv/site', `${folder}/`)
    expect(second).toMatchObject({ code: 0, out: expect.stringMatching(/store +success +2 +700 /) })
    expect(await readFile(join(place, 'sub/f7'), 'utf8')).toBe('content 7\n')
    expect(await readFile(join(place, 'mine'), 'utf8')).toBe('stays')
    await rm(join(place, 'sub'), { recursive: true })
    await symlink('/tmp', join(place, 'sub'))
    expect(await cli('cp', '-r', 'store:/srv/site', `${folder}/`)).toMatchObject({
      code: 1,
      out: expect.stringContaining('is not a folder here'),
    })
    const { entries } = await api.call('listAudit', { query: { action: 'readHostFiles' } })
    expect(entries.map(({ detail }) => detail.path)).toContain('/srv/site')
  })

  describe('a tree of every kind, beside rsync', () => {
    const RSYNC = '/usr/bin/rsync'
    let tree: string
    const byRsync = (...options: string[]) =>
      run(RSYNC, ['-aAX', ...options, `${tree}/`, `${on('srv/by-rsync')}/`])
    const byRollcall = (...options: string[]) => cli('cp', '-r', ...options, tree, 'store:/srv/by-rollcall')
    /** Both as they are on the host, without what no list can name. */
    const pictures = () =>
      ['srv/by-rollcall', 'srv/by-rsync'].map((place) =>
        toPicture(on(place)).filter(({ path, kind }) => kind !== 'other' && !path.includes('\ufffd')),
      )

    beforeAll(async () => {
      expect(await installPeer(RSYNC, 'rsync', () => undefined)).toBeUndefined()
      tree = join(folder, 'every-kind')
      await mkdir(join(tree, 'sub/deep'), { recursive: true })
      await mkdir(join(tree, 'empty'))
      for (const [name, mode] of [
        ['a', 0o644],
        ['sub/odd', 0o4],
        ['sub/deep/closed', 0],
        ['sub/set-id', 0o6755],
        ['listed', 0o640],
        ['capable', 0o755],
      ] as const) {
        await writeFile(join(tree, name), `content of ${name}`)
        await chmod(join(tree, name), mode)
        for (const place of ['by-rollcall', 'by-rsync']) {
          if (name !== 'listed' && name !== 'capable') continue
          await mkdir(on(`srv/${place}`), { recursive: true })
          await writeFile(on(`srv/${place}/${name}`), 'as it was', { mode })
        }
      }
      for (const place of [tree, on('srv/by-rollcall'), on('srv/by-rsync')]) {
        setAttribute(join(place, 'listed'), 'system.posix_acl_access', ACCESS_LIST)
        setAttribute(join(place, 'capable'), 'security.capability', CAPABILITY)
      }
      await symlink('../a', join(tree, 'sub/up'))
      await symlink('/nowhere/at all', join(tree, 'dangling'))
      await symlink('sub', join(tree, 'to-folder'))
      await writeFile(Buffer.concat([Buffer.from(`${tree}/latin-`), Buffer.from([0xfc])]), 'x')
      await run('mkfifo', [join(tree, 'pipe')])
      await utimes(join(tree, 'sub/odd'), 1, 946_684_800.123)
      await chmod(join(tree, 'empty'), 0o2770)
      for (const name of ['empty', 'sub/deep', 'sub']) await utimes(join(tree, name), 1, 1_000_000_000)
    })

    it('a tree is the same as by rsync in kind, mode, owner, time, target, content, ACL and capability', async () => {
      await byRsync()
      const { code, out } = await byRollcall()
      expect(out).toMatch(/store +success +6 +0 +3 +3 +0/)
      expect(code).toBe(0)
      for (const message of ['latin-\ufffd is skipped', 'pipe is skipped', 'sub/set-id is set-user-id'])
        expect(out).toContain(message)
      const [ours, theirs] = pictures()
      expect(ours).toEqual(theirs)
      expect(ours?.filter(({ attributes }) => attributes !== '').map(({ path }) => path)).toEqual([
        'capable',
        'listed',
      ])
      expect(ours?.map(({ path }) => path)).toEqual(
        expect.arrayContaining(['dangling', 'empty', 'sub/deep/closed', 'sub/set-id', 'to-folder']),
      )
    })

    it('a tree is fetched from the host with links, folders, contents and times', async () => {
      const back = join(folder, 'every-kind-back')
      expect(await cli('cp', '-r', 'store:/srv/by-rollcall', back)).toMatchObject({ code: 0 })
      const plain = (entries: ReturnType<typeof toPicture>) =>
        entries.map(({ path, kind, mtimeMs, content }) => ({ path, kind, mtimeMs, content }))
      expect(plain(toPicture(back))).toEqual(plain(toPicture(on('srv/by-rollcall'))))
    })

    it('a tree sent with --delete loses what rsync removes, and with --dry-run nothing', async () => {
      for (const place of ['by-rollcall', 'by-rsync']) {
        await mkdir(on(`srv/${place}/old/deep`), { recursive: true })
        for (const name of ['old/deep/f', 'old/g', 'sub/h']) await writeFile(on(`srv/${place}/${name}`), 'x')
        await symlink('/etc', on(`srv/${place}/old/etc`))
      }
      await rm(join(tree, 'to-folder'))
      await writeFile(join(tree, 'a'), 'another content')
      const before = pictures()
      const listed = (await byRsync('--delete', '--dry-run', '--itemize-changes')).matchAll(
        /^\*deleting +(.*?)\/?$/gm,
      )
      const dry = await byRollcall('--delete', '--dry-run')
      expect([...dry.out.matchAll(/^store \| remove (.*)$/gm)].map(([, path]) => path).sort()).toEqual(
        [...listed].map(([, path]) => path).sort(),
      )
      expect(dry.out).toContain('store | write a')
      expect(pictures()).toEqual(before)
      await byRsync('--delete')
      expect(await byRollcall('--delete')).toMatchObject({
        code: 0,
        out: expect.stringMatching(/store +success +1 +5 +0 +0 +7/),
      })
      const [ours, theirs] = pictures()
      expect(ours).toEqual(theirs)
      expect(await readdir(on('etc'))).toContain('passwd')
    })

    it('a tree onto a mount point or a full disk is refused by name, and changes nothing', async () => {
      await writeFile(join(tree, 'a'), 'a third content')
      await writeFile(join(tree, 'b'), 'new')
      await host.exec(['mount', '--bind', '/etc/hostname', '/srv/by-rollcall/a'])
      const before = toPicture(on('srv/by-rollcall'))
      for (const options of [['--dry-run'], ['--delete'], []])
        expect(await byRollcall(...options)).toMatchObject({
          code: 1,
          out: expect.stringContaining('/srv/by-rollcall/a is a mount point (such as'),
        })
      expect(toPicture(on('srv/by-rollcall'))).toEqual(before)
      await host.exec(['umount', '/srv/by-rollcall/a'])
      expect(await byRollcall()).toMatchObject({ code: 0 })
      await host.exec(['mkdir', '-p', '/srv/full/tree'])
      await host.fillDisk('/srv/full')
      const full = await cli('cp', '-r', tree, 'store:/srv/full/tree')
      expect(full).toMatchObject({ code: 1, out: expect.stringContaining('no room for /srv/full/tree') })
      expect((await host.exec(['ls', '-A', '/srv/full/tree'])).stdout).toBe('')
      await host.freeDisk('/srv/full')
    })
  })

  it('a file is fetched whole although the agent is killed meanwhile', async () => {
    const response = await fetch(`${api.url}/api/hosts/store/file?path=/srv/big`, {
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
    const sync = () => api.call('syncTools', { params: { host: 'store' } })
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
    const { commandId } = await api.call('removeHost', { params: { host: 'store' } })
    expect((await api.ended(commandId ?? '')).state).toBe('success')
    expect(await partsIn('srv')).toEqual([])
    for (const path of ['/opt/rollcall-tools', '/opt/rollcall-agent', '/var/lib/rollcall-agent'])
      expect((await host.exec(['test', '-e', path])).exitCode).toBe(1)
    await api.request('POST', `/api/transfers/${id}/cancel`)
  })
})
