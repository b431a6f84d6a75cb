import { chmod, mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Host } from '../../bed/index.ts'
import { run } from '../../bed/tools.ts'
import { installPeer } from '../../bench/debian-packages.ts'
import type { ServerProcess } from '../../fleet/server-process.ts'
import { ACCESS_LIST, CAPABILITY, setAttribute, toPicture } from './tree-picture.ts'

const RSYNC = '/usr/bin/rsync'

interface Cast {
  server: () => ServerProcess
  host: () => Host
}

/** A tree of every kind of entry that goes to a host and comes back, compared with what rsync makes of it. */
export const treeStories = (cast: Cast) =>
  describe('a tree of every kind, beside rsync', () => {
    let host: Host
    let folder: string
    let tree: string
    const byRsync = (...options: string[]) =>
      run(RSYNC, ['-aAX', ...options, `${tree}/`, `${on('srv/by-rsync')}/`])
    const byRollcall = (...options: string[]) => cli('cp', '-r', ...options, tree, at('/srv/by-rollcall'))
    /** Both as they are on the host, without what no list can name. */
    const pictures = () =>
      ['srv/by-rollcall', 'srv/by-rsync'].map((place) =>
        toPicture(on(place)).filter(({ path, kind }) => kind !== 'other' && !path.includes('\ufffd')),
      )

    const cli = async (...args: string[]) => {
      const { code, stdout, stderr } = await cast.server().cli(...args)
      return { code, out: stdout + stderr }
    }
    const on = (path: string) => join(host.root, path)
    const at = (path: string) => `${host.name}:${path}`
    const succeeded = (counts: string) => expect.stringMatching(new RegExp(`${host.name} +success ${counts}`))

    beforeAll(async () => {
      host = cast.host()
      folder = await mkdtemp(join(tmpdir(), 'rollcall-trees-'))
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

    afterAll(async () => {
      if (folder) await rm(folder, { recursive: true, force: true })
    })

    it('a tree is the same as by rsync in kind, mode, owner, time, target, content, ACL and capability', async () => {
      await byRsync()
      const { code, out } = await byRollcall()
      expect(out).toEqual(succeeded('+6 +0 +3 +3 +0'))
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
      expect(await cli('cp', '-r', at('/srv/by-rollcall'), back)).toMatchObject({ code: 0 })
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
      expect([...dry.out.matchAll(/^\S+ \| remove (.*)$/gm)].map(([, path]) => path).sort()).toEqual(
        [...listed].map(([, path]) => path).sort(),
      )
      expect(dry.out).toContain(`${host.name} | write a`)
      expect(pictures()).toEqual(before)
      await byRsync('--delete')
      expect(await byRollcall('--delete')).toMatchObject({
        code: 0,
        out: succeeded('+1 +5 +0 +0 +7'),
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
      const full = await cli('cp', '-r', tree, at('/srv/full/tree'))
      expect(full).toMatchObject({ code: 1, out: expect.stringContaining('no room for /srv/full/tree') })
      expect((await host.exec(['ls', '-A', '/srv/full/tree'])).stdout).toBe('')
      await host.freeDisk('/srv/full')
    })
  })
