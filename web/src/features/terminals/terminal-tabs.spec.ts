import { describe, expect, it } from 'vitest'
import { type OpenTerminal, tabsOf } from './terminal-tabs.ts'

const terminal = (id: string, host: string, requestedBy = 'ada', minute = 0): OpenTerminal => ({
  id,
  host: { id: host, name: host },
  requestedBy,
  createdAt: `2026-11-30T10:${String(minute).padStart(2, '0')}:00.000Z`,
})
const NONE = new Set<string>()

describe('the tabs of terminals', () => {
  it('tabs are the terminals that the server lists as running, wherever and by whomever they were opened', () => {
    const running = [terminal('2', 'db', 'oscar', 2), terminal('1', 'web', 'ada', 1)]
    expect(tabsOf(running, [], NONE, 'ada')).toEqual([
      { id: '1', host: 'web', title: 'web', isMine: true, isEnded: false },
      { id: '2', host: 'db', title: 'db \u00b7 oscar', isMine: false, isEnded: false },
    ])
  })

  it('lose none, however many there are', () => {
    const running = Array.from({ length: 40 }, (_, i) => terminal(`${i}`.padStart(2, '0'), `h${i}`))
    expect(tabsOf(running, [], NONE, 'ada')).toHaveLength(40)
  })

  it('tabs of the same host have different titles', () => {
    const running = [terminal('1', 'web'), terminal('2', 'web'), terminal('3', 'web')]
    expect(tabsOf(running, [], NONE, 'ada').map(({ title }) => title)).toEqual(['web', 'web (2)', 'web (3)'])
  })

  it('keep one that has ended until it is closed, and forget one that was closed', () => {
    const seen = [terminal('1', 'web')]
    expect(tabsOf([], seen, NONE, 'ada')).toMatchObject([{ id: '1', isEnded: true }])
    expect(tabsOf([], seen, new Set(['1']), 'ada')).toEqual([])
  })
})
