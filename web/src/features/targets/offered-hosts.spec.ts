import { expect, it } from 'vitest'
import { offered } from './offered-hosts.ts'

it('a host of exactly the typed name is offered first, then those that begin with it', () => {
  expect(offered(['a-web', 'web-1', 'Web', 'db', 'web-2'], 'web', [])).toEqual([
    'Web',
    'web-1',
    'web-2',
    'a-web',
  ])
})

it('a host that is chosen already, or that no longer fits what is typed, is not on offer', () => {
  expect(offered(['web-1', 'web-2', 'db'], 'we', ['web-1'])).toEqual(['web-2'])
  expect(offered(['web-1', 'db'], '', ['db'])).toEqual(['web-1'])
})
