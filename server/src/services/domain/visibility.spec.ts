import { describe, expect, it } from 'vitest'
import { isServiceVisible, mayChangeWhole } from './visibility.ts'

const OURS = ['env=prod']
const on = (isVisible: boolean) => ({ hostId: 'h', isVisible })
const nowhere = { hostId: null, isVisible: false }

describe('whoever may act on some hosts only', () => {
  it('a service is seen with an instance on a host that is seen, and changed only where all are', () => {
    const service = { scope: null }
    expect(isServiceVisible(service, [on(true), on(false)], OURS)).toBe(true)
    expect(mayChangeWhole(service, [on(true), on(false)], OURS)).toBe(false)
    expect(mayChangeWhole(service, [on(true), nowhere], OURS)).toBe(true)
    expect(isServiceVisible(service, [on(false)], OURS)).toBe(false)
    expect(mayChangeWhole(service, [on(false)], null)).toBe(true)
  })

  it('a service that is on no host is seen by those who applied it, and by nobody else with other labels', () => {
    expect(isServiceVisible({ scope: ['env=prod'] }, [nowhere], OURS)).toBe(true)
    expect(isServiceVisible({ scope: ['env=test'] }, [nowhere], OURS)).toBe(false)
    expect(isServiceVisible({ scope: null }, [nowhere], OURS)).toBe(false)
    expect(isServiceVisible({ scope: ['a', 'b'] }, [], ['b', 'a'])).toBe(true)
    expect(isServiceVisible({ scope: ['a', 'b'] }, [], ['a'])).toBe(false)
  })
})
