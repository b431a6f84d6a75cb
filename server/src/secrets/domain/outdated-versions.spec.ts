import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_KEPT_VERSIONS, outdatedVersions } from './outdated-versions.ts'

const upTo = (count: number) => Array.from({ length: count }, (_none, at) => at + 1)

describe('which versions of a secret are deleted', () => {
  it('the newest ten versions of a secret stay, in whatever order they are listed', () => {
    expect(outdatedVersions(upTo(10), [])).toEqual([])
    expect(outdatedVersions(upTo(12), [])).toEqual([2, 1])
    expect(outdatedVersions(upTo(12).reverse(), [])).toEqual([2, 1])
  })

  it('a version that something uses stays, however old it is', () => {
    expect(outdatedVersions(upTo(13), [1, 13])).toEqual([3, 2])
  })

  it('whatever is used, neither the newest nor a used version is deleted, and the rest is bounded', () => {
    const versions = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 40 })
    fc.assert(
      fc.property(versions, fc.array(fc.integer({ min: 1, max: 60 })), (all, used) => {
        const gone = new Set(outdatedVersions(all, used))
        const kept = all.filter((version) => !gone.has(version))
        expect(used.some((version) => gone.has(version))).toBe(false)
        if (all.length > 0) expect(kept).toContain(Math.max(...all))
        expect(kept.filter((version) => !used.includes(version)).length).toBeLessThanOrEqual(
          MAX_KEPT_VERSIONS,
        )
      }),
    )
  })
})
