import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { type Fixture, fixtures, readFixture } from './testing/fixtures.ts'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
type Path = readonly (string | number)[]

/** Values that say what holds without them. A secret that a service uses need not be defined. */
const DEFAULTS = [
  'services.web.deploy.update_config.failure_action',
  'services.web.healthcheck.retries',
  'services.web.x-rollcall.checks.1.port',
  'services.web.x-rollcall.fence',
  'services.web.x-rollcall.gateway.drain',
  'services.web.x-rollcall.heal',
  'services.web.x-rollcall.heal.rebalance',
  'services.web.x-rollcall.place.weights',
  'services.web.x-rollcall.place.weights.load',
  'services.web.x-rollcall.place.weights.spread',
  'services.web.x-rollcall.rollout.critical',
  'services.web.x-rollcall.rollout.deadline',
  'services.web.x-rollcall.rollout.strategy',
  'services.db.x-rollcall.lease',
  'volumes.esdata01.driver',
  'volumes.db-data.driver',
  'volumes.event-data.driver',
  'volumes.plausible-data.driver',
  'secrets',
  'secrets.minio_password',
  'services.redis.healthcheck.interval',
  'services.postgres.healthcheck.interval',
]

/** Yields the path of every key and item below a value. */
function* toPaths(value: Json, path: Path = []): Generator<Path> {
  if (path.length > 0) yield path
  if (value === null || typeof value !== 'object') return
  const entries = Array.isArray(value)
    ? value.map((item, index) => [index, item] as const)
    : Object.entries(value)
  for (const [key, inner] of entries) yield* toPaths(inner, [...path, key])
}

function without(value: Json, [first, ...rest]: Path): Json {
  if (value === null || typeof value !== 'object' || first === undefined) return value
  const change = ([key, inner]: readonly [string, Json]): [string, Json][] => {
    if (key !== String(first)) return [[key, inner]]
    return rest.length === 0 ? [] : [[key, without(inner, rest)]]
  }
  if (Array.isArray(value))
    return value.flatMap((item, index) => change([String(index), item]).map(([, kept]) => kept))
  return Object.fromEntries(Object.entries(value).flatMap(change))
}

/** Returns the keys and items of a file that can be removed without a change of what the file means, and that are not said to be unread. */
function findUnread(fixture: Fixture): string[] {
  const file: Json = parse(fixture.text, { merge: true })
  const read = (changed: Json) => readFixture({ text: JSON.stringify(changed), variables: fixture.variables })
  const before = read(file)
  const explained = before.keys.filter(({ standing }) => standing === 'otherwise').map(({ key }) => key)
  return [...toPaths(file)]
    .filter((path) => JSON.stringify(read(without(file, path)).spec) === JSON.stringify(before.spec))
    .map((path) => path.join('.'))
    .filter((path) => !explained.some((key) => `${path}.`.startsWith(`${key}.`)))
    .map((path) => `${fixture.name} ${path}`)
}

it('a key or an item that is removed from a file that is taken changes what it means, is a default, or is said to be unread', () => {
  const accepted = fixtures.filter(({ text, variables }) => {
    const read = readFixture({ text: JSON.stringify(parse(text, { merge: true })), variables })
    return read.spec !== undefined
  })
  expect(accepted.length).toBeGreaterThan(10)
  const unread = accepted
    .flatMap(findUnread)
    .filter((found) => !DEFAULTS.some((one) => found.endsWith(` ${one}`)))
  expect(unread).toEqual([])
})
