import { describe, expect, it } from 'vitest'
import { isRefused, readContainer } from '../testing/read-key.ts'

describe('programs', () => {
  it.each([
    ['command: a b  c', ['a', 'b', 'c']],
    [`command: a 'b c' "d \\"e" f\\ g ''`, ['a', 'b c', 'd "e', 'f g', '']],
    ['command: [a, "b c", 1, true]', ['a', 'b c', '1', 'true']],
    ['command: []', []],
    ['command: ""', []],
    ['command: "sh -c \'a | b; c > d\'"', ['sh', '-c', 'a | b; c > d']],
    ['command: ["sh", "-c", "a\\nb"]', ['sh', '-c', 'a\nb']],
    ['command: echo $$HOME %n', ['echo', '$HOME', '%n']],
  ])('%s is split into words as Compose does', (line, expected) => {
    expect(readContainer(line)).toMatchObject({ command: expected })
  })

  it.each([
    'command: a | b',
    'command: a; b',
    'command: a > b',
    `command: "a 'b"`,
    'command: {a: b}',
    'command: [[a]]',
    'command: "a\\0b"',
  ])('%s is refused', (line) => {
    expect(isRefused(line)).toBe(true)
  })

  it('a command that is left out is null, which keeps that of the image', () => {
    expect(readContainer('command:')).toMatchObject({ command: null, entrypoint: null })
  })
})

describe('health checks', () => {
  it.each([
    ['{test: curl -f http://x || exit 1}', ['/bin/sh', '-c', 'curl -f http://x || exit 1']],
    ['{test: [CMD, a, b]}', ['a', 'b']],
    ['{test: [CMD-SHELL, "a | b"]}', ['/bin/sh', '-c', 'a | b']],
    ['{test: [NONE]}', null],
    ['{disable: true}', null],
  ])('%s is read', (written, test) => {
    expect(readContainer(`healthcheck: ${written}`)).toMatchObject({
      healthcheck: { test, intervalMs: 30_000, retries: 3 },
    })
  })

  it.each([
    '{}',
    '{test: []}',
    '{test: [a, b]}',
    '{test: [CMD]}',
    '{test: [CMD-SHELL, a, b]}',
    '{test: x, retries: 0}',
    '{test: x, interval: 5}',
    '{test: x, interval: 1y}',
  ])('%s is refused', (written) => {
    expect(isRefused(`healthcheck: ${written}`)).toBe(true)
  })
})

describe('durations, sizes, numbers', () => {
  it.each([
    ['10s', 10_000],
    ['1m30s', 90_000],
    ['1h', 3_600_000],
    ['500ms', 500],
    ['1.5s', 1500],
    ['1us', 1],
    ['0', 0],
  ])('the duration %s is %d ms', (written, stopGraceMs) => {
    expect(readContainer(`stop_grace_period: "${written}"`)).toMatchObject({ stopGraceMs })
  })

  it.each(['10', 's', '-1s', '1s x', '1 s', '1m 30s', '999999h'])('the duration %s is refused', (written) => {
    expect(isRefused(`stop_grace_period: "${written}"`)).toBe(true)
  })

  it.each([
    ['64m', 67_108_864],
    ['64mb', 67_108_864],
    ['1g', 1_073_741_824],
    ['1.5G', 1_610_612_736],
    ['1048576', 1_048_576],
    ['100 kb', 102_400],
    ['1GiB', 1_073_741_824],
  ])('the size %s is %d bytes', (written, shmBytes) => {
    expect(readContainer(`shm_size: "${written}"`)).toMatchObject({ shmBytes })
  })

  it.each(['64x', '-1', 'm', '1e9g', '99999t'])('the size %s is refused', (written) => {
    expect(isRefused(`shm_size: "${written}"`)).toBe(true)
  })

  it('true and false are read in every form that Compose takes', () => {
    for (const written of ['true', '"yes"', 'on', 'y', 'True'])
      expect(readContainer(`init: ${written}`)).toMatchObject({ hasInit: true })
    expect(isRefused('init: 1')).toBe(true)
  })
})
