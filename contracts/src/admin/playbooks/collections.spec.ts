import { describe, expect, it } from 'vitest'
import { gitCommit, gitUrl } from './collections.ts'

describe('the address of a repository', () => {
  it.each([
    'https://git.example/a/site.git',
    'https://[::1]:8443/site',
    'ssh://git@git.example:2222/~a/site.git',
  ])('%s is the address of a repository', (url) => expect(gitUrl.safeParse(url).success).toBe(true))

  it.each([
    '--upload-pack=touch /tmp/x',
    'ext::sh -c touch%20/tmp/x',
    'file:///etc',
    '/srv/site.git',
    'git://git.example/site.git',
    'http://git.example/site.git',
    'git@git.example:site.git',
    'ssh://-oProxyCommand=touch/site.git',
    'ssh://-oProxyCommand=x@git.example/site.git',
    'https://token@git.example/site.git',
    'https://a:secret@git.example/site.git',
    'ssh://a:secret@git.example/site.git',
    'https://git.example/',
    'https://git.example/a b',
    'https://git.example/a\n--b',
    '',
  ])('%j is not the address of a repository', (url) => expect(gitUrl.safeParse(url).success).toBe(false))

  it('the address of a repository is pinned to a whole commit', () => {
    expect(gitCommit.safeParse('a'.repeat(40)).success).toBe(true)
    for (const name of ['main', 'a'.repeat(39), 'A'.repeat(40), '-'.repeat(40), `${'a'.repeat(40)}~1`])
      expect(gitCommit.safeParse(name).success, name).toBe(false)
  })
})
