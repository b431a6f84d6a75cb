import { assemble } from './assemble/assemble.ts'
import { file } from './keys/file-keys.ts'
import { MAX_FAULTS } from './limits.ts'
import { findKey } from './read/find-key.ts'
import { type Findings, Reader, type ReadFile } from './read/reader.ts'
import type { Fault, ReadKey } from './source/fault.ts'
import { parseYaml } from './source/parse-yaml.ts'
import type { Place } from './source/tree.ts'
import { type ServiceFile, serviceFile } from './spec.ts'

export { readEnvFile } from './source/env-file.ts'
export type { Fault, ReadKey } from './source/fault.ts'
export type { Place } from './source/tree.ts'
export type { ContainerSpec, ServiceFile, ServiceGroup, ServiceSpec } from './spec.ts'
export { serviceFile } from './spec.ts'

/** Variables for `${NAME}`, by name. */
type Variables = Readonly<Record<string, string>>

interface ReadOptions {
  /** Returns the text of an env file or a config that the file names; undefined if it cannot be read. Without it there are none. */
  readFile?: ReadFile
}

/** Returns where the key of a path such as `services.web.image` is written; undefined if it is not there. */
export type FindKey = (path: string) => Place | undefined

/** Either what a file means, or every fault of it at once. `keys` tells of every key what was done with it, in both cases. */
export type ReadServices = { keys: ReadKey[]; findKey: FindKey } & (
  | { spec: ServiceFile; faults: readonly [] }
  | { spec: undefined; faults: readonly Fault[] }
)

/**
 * Reads a Compose file with `x-rollcall`. Every key is taken, taken otherwise and told, or refused; none is passed over in silence. Values
 * of variables are in no fault, unless they are names.
 */
export function readServices(
  text: string,
  variables: Variables = {},
  options: ReadOptions = {},
): ReadServices {
  const { root, faults: syntax } = parseYaml(text.replace(/^\uFEFF/, ''))
  const findings: Findings = { faults: syntax, keys: [] }
  const reader = new Reader(findings, {
    lookup: (name) => (Object.hasOwn(variables, name) ? variables[name] : undefined),
    readFile: options.readFile ?? (() => undefined),
  })
  const values = root && file.read(root, reader)
  const spec = values && assemble(values, reader)
  if (spec && findings.faults.length === 0 && spec.groups.length === 0)
    reader.fault(
      values.places.services ?? { line: 1, column: 1 },
      'has no services',
      'add one: "web: {image: nginx:1.27}"',
    )
  const found = {
    keys: withoutContradictions(findings).sort(byPlace),
    findKey: (path: string) => root && findKey(root, path),
  }
  if (spec && findings.faults.length === 0) return { spec: serviceFile.parse(spec), faults: [], ...found }
  return { spec: undefined, faults: findings.faults.sort(byPlace).slice(0, MAX_FAULTS), ...found }
}

/** Leaves out that a key was taken where something in it was refused, or where it is also said to mean something else. */
function withoutContradictions({ keys, faults }: Findings): ReadKey[] {
  const others = new Set(keys.flatMap(({ standing, key }) => (standing === 'otherwise' ? [key] : [])))
  for (const { key } of faults)
    for (let end = key.length; end > 0; end = key.lastIndexOf('.', end - 1)) others.add(key.slice(0, end))
  return keys.filter(({ standing, key }) => standing === 'otherwise' || !others.has(key))
}

const byPlace = (one: ReadKey | Fault, other: ReadKey | Fault) =>
  one.line - other.line || one.column - other.column
