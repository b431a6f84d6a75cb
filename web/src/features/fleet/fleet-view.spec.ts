import { describe, expect, it } from 'vitest'
import { readFleetView, shownStates, sortedBy, toggledStates } from './fleet-view.ts'

describe('the filter by state', () => {
  it('a filter that is on is offered although no host is in that state, so that it can be switched off', () => {
    const view = { states: ['install_failed' as const], search: 'web' }
    expect(shownStates(view, {})).toEqual(expect.arrayContaining(['online', 'install_failed']))
    expect(shownStates({}, {})).not.toContain('install_failed')
    expect(shownStates({}, { install_failed: 2 })).toContain('install_failed')
  })

  it('a filter by state is gone when its last state is switched off', () => {
    expect(toggledStates({ states: ['offline'] }, 'offline')).toBeUndefined()
    expect(toggledStates({ states: ['offline'] }, 'online')).toEqual(['offline', 'online'])
  })
})

describe('a click on a head of the table', () => {
  it('the first click on a measured column sorts the highest first, the second the lowest', () => {
    expect(sortedBy({}, 'cpu')).toEqual({ sort: 'cpu', direction: 'desc' })
    expect(sortedBy({ sort: 'cpu', direction: 'desc' }, 'cpu')).toEqual({ sort: 'cpu', direction: undefined })
    expect(sortedBy({ sort: 'cpu' }, 'cpu')).toEqual({ sort: 'cpu', direction: 'desc' })
  })

  it('turns the order of names, by which it is sorted from the beginning', () => {
    expect(sortedBy({}, 'host')).toEqual({ sort: 'host', direction: 'desc' })
    expect(sortedBy({ sort: 'cpu', direction: 'desc' }, 'host')).toEqual({
      sort: 'host',
      direction: undefined,
    })
  })
})

it('an invalid part of the address is left out of the view', () => {
  expect(readFleetView({ states: ['online', 'nonsense'], sort: 'size', search: 12, labels: ['x'] })).toEqual({
    states: ['online'],
    search: '12',
  })
})
