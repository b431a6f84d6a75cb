import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const SERVER = fileURLToPath(new URL('..', import.meta.url))
const ARCHITECTURE = fileURLToPath(new URL('../../../ARCHITECTURE.md', import.meta.url))

/** Calls of the sequence figure of ARCHITECTURE.md, in order; answers, with a dashed arrow, are left out. */
const calls = [...readFileSync(ARCHITECTURE, 'utf8').matchAll(/^ {4}(\w+)->>(\w+): (\w+)/gm)].map(
  ([, caller = '', callee = '', method = '']) => ({ caller, callee, method }),
)

const sources = readdirSync(SERVER, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.spec.ts') && !path.includes('generated'))
  .map((path) => readFileSync(join(SERVER, path), 'utf8'))
const sourceOf = (name: string) => sources.find((text) => text.includes(`export class ${name} `))

it('the way of a command from the request to the socket is at most ten calls, and comes into no part twice', () => {
  expect(calls[0]).toMatchObject({ caller: 'client', callee: 'RunsController' })
  expect(calls.at(-1)).toMatchObject({ caller: 'AgentTransport', callee: 'agent' })
  expect(calls.length).toBeLessThanOrEqual(10)
  const callees = calls.map(({ callee }) => callee)
  expect(callees).toEqual([...new Set(callees)])
  // Each call is made by what was called before.
  for (const [i, { caller }] of calls.entries())
    expect(['client', ...callees.slice(0, i)], `the caller of call ${i + 1}`).toContain(caller)
})

it.each(calls)('$caller calls $method of $callee, as ARCHITECTURE.md shows', ({ caller, callee, method }) => {
  if (caller !== 'client') expect(sourceOf(caller)).toContain(`.${method}(`)
  if (callee !== 'agent') expect(sourceOf(callee)).toMatch(new RegExp(`^ {2}(async )?${method}[<(]`, 'm'))
})
