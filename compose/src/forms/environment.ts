import { oneOrMany, pairs } from '../read/collections.ts'
import { mapping, taken } from '../read/keys.ts'
import type { Reader } from '../read/reader.ts'
import { choice, flag, text } from '../read/scalars.ts'
import { byKind, converted, type Named, type Shape } from '../read/shape.ts'
import { readEnvFile } from '../source/env-file.ts'
import { howToGive } from '../source/interpolate.ts'
import type { Place } from '../source/tree.ts'
import { VARIABLE_NAME } from './patterns.ts'

export interface Variable {
  name: string
  value: string
}

/** The variables go into a file of lines, in which a line break would begin another variable. */
const LINE_BREAK = /[\r\n]/
const MAX_VALUE = 32_768

/** Checks a value for what an env file cannot hold. The fault names the variable, never the value. */
function isStorable(name: string, value: string, place: Place, reader: Reader): boolean {
  if (LINE_BREAK.test(value) || value.includes('\0'))
    reader.fault(
      place,
      `gives ${name} a value with a line break or NUL in it`,
      'keep such a value in a config or a secret, which is a file',
    )
  else if (value.length > MAX_VALUE)
    reader.fault(place, `gives ${name} more than ${MAX_VALUE} characters`, 'keep such a value in a config')
  else return true
  return false
}

/** Variables of a container. One without a value takes that of the same name where the file is read. */
export const environment: Shape<Named<string>[]> = converted(
  pairs({ ...VARIABLE_NAME, of: 'a variable' }),
  (variables, _node, reader) =>
    variables.flatMap(({ name, place, value }) => {
      const at = reader.at(name)
      const given = value ?? reader.sources.lookup(name)
      if (given === undefined) {
        at.fault(place, `gives ${name} no value, and none is set where the file is read`, howToGive(name))
        return []
      }
      return isStorable(name, given, place, at) ? [{ name, place, value: given }] : []
    }),
)

interface EnvFileReference {
  path: string
  isRequired: boolean
  isRaw: boolean
}

const envFilePath = text({ form: 'the path of an env file', max: 4096 })

const reference = byKind<EnvFileReference, never, EnvFileReference>({
  scalar: converted(envFilePath, (path) => ({ path, isRequired: true, isRaw: false })),
  map: converted(
    mapping(
      {
        path: taken(envFilePath),
        required: taken(flag, 'false: a file that is not there is left out'),
        format: taken(choice(['raw']), 'raw: values as they stand'),
      },
      { of: 'an env file', required: ['path'] },
    ),
    ({ path, required = true, format }) =>
      path === undefined ? undefined : { path, isRequired: required, isRaw: format === 'raw' },
  ),
})

/** Variables from env files, a later file over an earlier one. */
export const envFiles: Shape<Variable[]> = converted(
  oneOrMany(converted(reference, readReference)),
  (files) => {
    const variables = new Map<string, string>()
    for (const { name, value } of files.flat()) variables.set(name, value)
    return [...variables].map(([name, value]) => ({ name, value }))
  },
)

function readReference(
  { path, isRequired, isRaw }: EnvFileReference,
  { place }: { place: Place },
  reader: Reader,
): Variable[] | undefined {
  const content = reader.sources.readFile(path)
  if (content === undefined) {
    if (isRequired)
      return reader.fault(
        place,
        'names a file that cannot be read',
        'put the file beside this one, or say required: false',
      )
    reader.take(place, 'otherwise', 'names a file that is not there, and is left out')
    return []
  }
  const { variables, faults } = readEnvFile(content, { lookup: reader.sources.lookup, isRaw })
  for (const { line, reason, instead } of faults)
    reader.fault(place, `names a file whose line ${line} ${reason}`, instead)
  return [...variables]
    .filter(([name, value]) => isStorable(name, value, place, reader))
    .map(([name, value]) => ({ name, value }))
}
