import { expect, it } from 'vitest'
import { runInSlices } from './in-slices.ts'

function* busySteps(count: number, stepMs: number): Generator<void, string> {
  for (let step = 0; step < count; step++) {
    const ends = performance.now() + stepMs
    while (performance.now() < ends);
    yield
  }
  return 'done'
}

it('work in slices lets other events in before it ends', async () => {
  const events: string[] = []
  setImmediate(() => events.push('event'))
  const ended = runInSlices(busySteps(20, 2)).then((result) => events.push(result))
  await ended
  expect(events).toEqual(['event', 'done'])
})

it('work in slices ends with the reason of its signal', async () => {
  const stop = new AbortController()
  setImmediate(() => stop.abort(new Error('the server stops')))
  await expect(runInSlices(busySteps(1000, 2), stop.signal)).rejects.toThrow('the server stops')
})

it('an error of a step is the error of the work', async () => {
  // biome-ignore lint/correctness/useYield: it fails before it has anything to yield for
  function* failing(): Generator<void, void> {
    throw new RangeError('no such host')
  }
  await expect(runInSlices(failing())).rejects.toThrow('no such host')
})
