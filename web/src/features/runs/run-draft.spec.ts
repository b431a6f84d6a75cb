import type { RunOrderView } from '@rollcall/contracts/admin'
import { expect, it } from 'vitest'
import { EMPTY, toDraft, toEnvironment, toRunBody } from './run-draft.ts'

it('a program goes as words and never through a shell', () => {
  expect(toRunBody({ ...EMPTY, hosts: ['a'], line: `echo 'a b' $HOME; rm` })).toEqual({
    hosts: ['a'],
    program: 'echo',
    args: ['a b', '$HOME;', 'rm'],
    cwd: '/',
    timeoutMs: 3_600_000,
    startWithinMs: 600_000,
  })
})

it('a shell line goes to sh by name, as one word', () => {
  const draft = { ...EMPTY, by: 'all' as const, mode: 'shell' as const, script: 'a | b' }
  expect(toRunBody(draft)).toMatchObject({ all: true, program: 'sh', args: ['-c', 'a | b'] })
})

it('limits go only where somebody set them, a share as a share and a number as a number', () => {
  const draft = { ...EMPTY, by: 'labels' as const, labels: ' env=prod ', line: 'true' }
  expect(toRunBody(draft)).not.toHaveProperty('limits')
  expect(toRunBody({ ...draft, batch: ' 25% ', concurrency: 3, stopAfter: 1 })).toMatchObject({
    labels: ['env=prod'],
    limits: { batch: '25%', concurrency: 3, stopAfterFailures: 1 },
  })
  expect(toRunBody({ ...draft, batch: '10' })).toMatchObject({ limits: { batch: 10 } })
})

it('an open quote and an empty line are told before anything is sent', () => {
  expect(toRunBody({ ...EMPTY, line: "echo 'a" })).toBe('A quote is not closed.')
  expect(toRunBody({ ...EMPTY, mode: 'shell', script: '  ' })).toBe('Enter a command.')
})

const ORDER: RunOrderView = {
  program: 'echo',
  args: [],
  envNames: [],
  cwd: '/',
  timeoutMs: 5000,
  startWithinMs: 600_000,
  target: { hosts: ['web'] },
  limits: null,
  tty: false,
  stdin: false,
}
const again = (order: Partial<RunOrderView>) => toRunBody(toDraft({ ...ORDER, ...order }, 'the-run'))

it('running again asks for the same words, whatever is in them', () => {
  for (const args of [
    ['a b', "it's", '', '$x', '"'],
    ['-c', 'x', 'y'],
  ])
    expect(again({ args })).toMatchObject({ program: 'echo', args, hosts: ['web'], timeoutMs: 5000 })
  expect(again({ program: 'sh', args: ['-c', 'a; b'] })).toMatchObject({
    program: 'sh',
    args: ['-c', 'a; b'],
  })
})

it('running again asks for the same hosts, waves, folder and environment, and for nothing of an earlier draft', () => {
  const limits = { concurrency: 3, batch: '25%', stopAfterFailures: 2 }
  const labels = ['env in (prod,staging)', 'zone=a']
  expect(again({ target: { labels }, limits, cwd: '/srv', envNames: ['TOKEN'], tty: true })).toEqual({
    program: 'echo',
    args: [],
    cwd: '/srv',
    timeoutMs: 5000,
    startWithinMs: 600_000,
    tty: true,
    labels: ['env in (prod,staging),zone=a'],
    limits,
    envOf: 'the-run',
  })
  expect(again({ target: { all: true } })).toMatchObject({ all: true })
  expect(again({ target: { hosts: ['a', 'b', 'c'] }, limits: { batch: 2 } })).toMatchObject({
    hosts: ['a', 'b', 'c'],
    limits: { batch: 2 },
  })
  expect(Object.keys(toDraft(ORDER, 'x')).toSorted()).toEqual(Object.keys(EMPTY).toSorted())
})

it('variables are taken as they stand, and a line that is none is named without its value', () => {
  expect(toEnvironment('A=1\n\n B_2= x = y \nEMPTY=')).toEqual({ A: '1', B_2: ' x = y ', EMPTY: '' })
  expect(toEnvironment('A=1\nMY-TOKEN=hidden')).toMatch('MY-TOKEN')
  expect(toEnvironment('MY-TOKEN=hidden')).not.toMatch('hidden')
})
