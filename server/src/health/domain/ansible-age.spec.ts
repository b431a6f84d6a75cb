import { expect, it } from 'vitest'
import { ansibleWarning } from './ansible-age.ts'

const now = new Date('2026-11-30T12:00:00Z')
const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000)

it.each([0, 29, 30, -3])('an Ansible that was made %i days ago is not old', (days) => {
  expect(ansibleWarning(daysAgo(days), now)).toBeNull()
})

it('an Ansible made more than thirty days ago is old, and the warning says what to do', () => {
  expect(ansibleWarning(daysAgo(31), now)).toMatch(/31 days old.*--refresh/)
})
