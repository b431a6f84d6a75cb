import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { hasUuidForm, uuid } from '../text.ts'
import { ADMIN_ROUTES, hostReference, type Route, readHostReference } from './index.ts'

/** Every schema of the contract by which something is given a name: `name` in a body, or below it. */
const NAMES = (Object.entries(ADMIN_ROUTES) as [string, Route][]).flatMap(([route, { body }]) => {
  const { shape } = body as { shape?: Record<string, z.ZodType> }
  return shape?.name ? [{ route, name: shape.name }] : []
})
const NAMEABLE = [
  'addCollection',
  'addHeartbeatProfile',
  'addHost',
  'addKey',
  'addSavedCommand',
  'addSchedule',
  'addUser',
  'changeUser',
  'setSecret',
  'setUpFirstAdmin',
]

const anyCase = fc
  .uuid()
  .chain((id) =>
    fc
      .array(fc.boolean(), { minLength: id.length, maxLength: id.length })
      .map((upper) => [...id].map((letter, i) => (upper[i] ? letter.toUpperCase() : letter)).join('')),
  )
/** Texts that resemble an id: cut, lengthened, with braces, without dashes. */
const nearly = fc
  .uuid()
  .chain((id) =>
    fc.constantFrom(
      id,
      id.slice(1),
      `${id}0`,
      `-${id}`,
      `{${id}}`,
      id.replaceAll('-', ''),
      `host-${id}`,
      ` ${id}`,
      `${id}\n`,
      `urn:uuid:${id}`,
    ),
  )
const anyText = fc.oneof(fc.string({ unit: 'binary', maxLength: 70 }), anyCase, nearly)

describe('names and ids', () => {
  it('every route that names something is known to this test', () => {
    expect(NAMES.map(({ route }) => route).sort()).toEqual(NAMEABLE)
  })

  it.each(NAMES)('$route refuses a name that has the form of an id, in either case', ({ name }) => {
    fc.assert(
      fc.property(anyCase, (id) => {
        expect(name.safeParse(id).success).toBe(false)
        const { error } = name.safeParse(id.toLowerCase())
        expect(error?.issues.map(({ message }) => message).join()).toMatch(/form of a UUID/)
      }),
    )
  })

  it.each(NAMES)('a name that $route accepts is never read as an id', ({ name }) => {
    fc.assert(
      fc.property(anyText, (text) => {
        const parsed = name.safeParse(text)
        if (parsed.success && typeof parsed.data === 'string')
          expect(readHostReference(parsed.data)).toEqual({ name: parsed.data })
      }),
    )
  })

  it('text that identifies a host is read either as an id or as a name, without loss', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const reference = readHostReference(text)
        expect(reference).toEqual(hasUuidForm(text) ? { id: text.toLowerCase() } : { name: text })
        if ('id' in reference) expect(uuid.safeParse(reference.id).success).toBe(true)
      }),
    )
  })

  it('an id in capitals is read as the same id', () => {
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        expect(hostReference.safeParse(id.toUpperCase()).success).toBe(true)
        expect(readHostReference(id.toUpperCase())).toEqual({ id })
      }),
    )
  })
})
