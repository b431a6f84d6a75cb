import { expect, it } from 'vitest'
import { GIB, host, hostsOf, reasonFor, request } from './testing/views.ts'

it('a host whose processors are busy takes a slot where no other host does, and what reserves no room that it lacks', () => {
  const busy = host('a-busy', {
    state: 'degraded',
    isBusy: true,
    measured: { milliCpus: 3800, memoryBytes: 0 },
  })
  const ill = host('ill', { state: 'degraded' })
  const calm = host('calm', { measured: { milliCpus: 2000, memoryBytes: 4 * GIB } })
  expect(hostsOf(request('web'), [busy, ill, calm])).toEqual(['calm'])
  expect(hostsOf(request('web'), [busy, ill])).toEqual(['a-busy'])
  const demanding = request('db', { needs: { milliCpus: 500, memoryBytes: 0 } })
  expect(reasonFor(demanding, [busy, ill])).toBe(
    'no host of 2: 1 is not online (ill: degraded); 1 has less than 0.5 CPU free (most: a-busy, 0.2 CPU)',
  )
})
