import { expect, it } from 'vitest'
import { draftOf, EMPTY, runBodyOf } from './run-draft.ts'

it('a program goes as words and never through a shell', () => {
  expect(runBodyOf({ ...EMPTY, hosts: ['a'], line: `echo 'a b' $HOME; rm` })).toEqual({
    hosts: ['a'],
    program: 'echo',
    args: ['a b', '$HOME;', 'rm'],
    timeoutMs: 3_600_000,
  })
})

it('a shell line goes to sh by name, as one word', () => {
  const draft = { ...EMPTY, by: 'all' as const, mode: 'shell' as const, script: 'a | b' }
  expect(runBodyOf(draft)).toMatchObject({ all: true, program: 'sh', args: ['-c', 'a | b'] })
})

it('limits go only where somebody set them, a share as a share and a number as a number', () => {
  const draft = { ...EMPTY, by: 'labels' as const, labels: ' env=prod ', line: 'true' }
  expect(runBodyOf(draft)).not.toHaveProperty('limits')
  expect(runBodyOf({ ...draft, batch: ' 25% ', concurrency: 3, stopAfter: 1 })).toMatchObject({
    labels: ['env=prod'],
    limits: { batch: '25%', concurrency: 3, stopAfterFailures: 1 },
  })
  expect(runBodyOf({ ...draft, batch: '10' })).toMatchObject({ limits: { batch: 10 } })
})

it('an open quote and an empty line are told before anything is sent', () => {
  expect(runBodyOf({ ...EMPTY, line: "echo 'a" })).toBe('A quote is not closed.')
  expect(runBodyOf({ ...EMPTY, mode: 'shell', script: '  ' })).toBe('Say what to run.')
})

it('running again asks for the same words, whatever is in them', () => {
  const host = { id: 'x', name: 'web' }
  const again = (program: string, args: string[]) =>
    runBodyOf({ ...EMPTY, ...draftOf({ program, args, timeoutMs: 5000, host }) })
  for (const args of [
    ['a b', "it's", '', '$x', '"'],
    ['-c', 'x', 'y'],
  ])
    expect(again('echo', args)).toMatchObject({ program: 'echo', args, hosts: ['web'], timeoutMs: 5000 })
  expect(again('sh', ['-c', 'a; b'])).toMatchObject({ program: 'sh', args: ['-c', 'a; b'] })
})
