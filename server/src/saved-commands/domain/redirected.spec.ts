import { expect, it } from 'vitest'
import { refuseRedirectedSecrets } from './redirected.ts'

const before = {
  program: 'backup',
  args: ['--all'],
  cwd: '/',
  env: { TOKEN: 'hush' },
  target: { labels: ['env=prod'] },
}

it.each([
  ['target', { target: { all: true } }],
  ['target', { target: { hosts: ['mine'] } }],
  ['target', { target: null }],
  ['program', { program: 'env' }],
  ['args', { args: ['-c', 'env'] }],
  ['cwd', { cwd: '/home/mine' }],
])('secret values are not taken along to another %s', (key, change) => {
  expect(() => refuseRedirectedSecrets(before, { ...before, ...change })).toThrowError(
    expect.objectContaining({
      code: 'saved_command.sealed',
      fields: [{ field: 'env', message: expect.stringContaining(key) }],
      message: expect.not.stringContaining('hush'),
    }),
  )
})

it('what has no secret values may be changed, and what changes nothing of where they go as well', () => {
  refuseRedirectedSecrets({ ...before, env: {} }, { ...before, target: { all: true } })
  refuseRedirectedSecrets(before, { ...before, target: { labels: ['env=prod'] } })
})
