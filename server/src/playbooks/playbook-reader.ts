import { setImmediate as giveWay } from 'node:timers/promises'
import { sanitizeText } from '@rollcall/contracts'
import type { PlaybookView } from '@rollcall/contracts/admin'
import { z } from 'zod'
import { type RoleSpecs, readArgumentSpecs, SpecFault, withRoleDefaults } from './domain/argument-specs.ts'
import { type Fault, readYaml } from './yaml-file.ts'

export interface PlaybooksRead {
  /** By name. */
  playbooks: Omit<PlaybookView, 'version'>[]
  /** At most twenty; where there are any, nothing is to be used. */
  faults: Fault[]
}

const MAX_FAULTS = 20
const PLAYBOOK = /^[^/]+\.ya?ml$/
const PLAYBOOK_NAME = /^[a-z0-9][a-z0-9_-]{0,99}\.yml$/
const OF_ROLE = /^roles\/[^/]+\/(?:tasks|handlers|defaults|vars|meta)\/.+\.ya?ml$/

const ROLE = 'must be the name of a role under roles/, in lower-case letters, digits and underscores'
const role = z.string().regex(/^[a-z0-9_]+$/, ROLE)
const plays = z
  .array(
    z.looseObject({
      name: z.string().optional(),
      hosts: z.enum(['all', 'localhost'], {
        error: 'must be all or localhost: a playbook runs on each host by itself',
      }),
      roles: z
        .array(
          z.union([role, z.looseObject({ role })], {
            error: ROLE,
          }),
          { error: 'must be a list of roles' },
        )
        .nullish(),
    }),
    { error: 'must be a list of plays' },
  )
  .min(1, 'must have a play')

/**
 * Reads the playbooks at the top of a folder, with the specs of their roles, and sees that the YAML of all roles can be read. No I/O; YAML is
 * slow, so between files others have their turn.
 */
export async function readPlaybooks(files: ReadonlyMap<string, string>): Promise<PlaybooksRead> {
  const faults: Fault[] = []
  const roles = new Map<string, RoleSpecs | null>()
  const specsOf = (name: string): RoleSpecs | null => {
    if (!roles.has(name)) roles.set(name, readSpecs(name, files, faults))
    return roles.get(name) ?? null
  }
  const playbooks: PlaybooksRead['playbooks'] = []
  for (const [file, text] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (OF_ROLE.test(file)) checkYaml(file, text, faults)
    else if (PLAYBOOK.test(file)) playbooks.push(...readPlaybook(file, text, specsOf, faults))
    await giveWay()
  }
  return { playbooks, faults: faults.slice(0, MAX_FAULTS) }
}

function readPlaybook(
  file: string,
  text: string,
  specsOf: (role: string) => RoleSpecs | null,
  faults: Fault[],
): PlaybooksRead['playbooks'] {
  if (!PLAYBOOK_NAME.test(file)) {
    faults.push({
      file,
      line: 1,
      message: 'must be called NAME.yml, in lower-case letters, digits, dashes and underscores',
    })
    return []
  }
  const yaml = readYaml(file, text)
  if (!('value' in yaml)) {
    faults.push(yaml)
    return []
  }
  const parsed = plays.safeParse(yaml.value)
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues)
      faults.push(yaml.faultAt(path, `${path.join('.') || 'the playbook'} ${message}`))
    return []
  }
  const specs = parsed.data.flatMap((play, index) =>
    (play.roles ?? []).flatMap((each, place) => {
      const name = typeof each === 'string' ? each : each.role
      const found = specsOf(name)
      if (found) return [found]
      faults.push(
        yaml.faultAt(
          [index, 'roles', place],
          `the role ${name} has no roles/${name}/meta/argument_specs.yml that can be used`,
        ),
      )
      return []
    }),
  )
  const [first] = parsed.data
  return [
    {
      name: file.replace(/\.yml$/, ''),
      title: line(first?.name ?? file, 300),
      description: line(specs.map(({ description }) => description).join(' '), 2000),
      variables: specs.flatMap(({ variables }) =>
        variables.map((each) => ({ ...each, description: line(each.description, 2000) })),
      ),
    },
  ]
}

/** Returns the specs of a role; null where there are none or they are wrong. */
function readSpecs(name: string, files: ReadonlyMap<string, string>, faults: Fault[]): RoleSpecs | null {
  const file = `roles/${name}/meta/argument_specs.yml`
  const text = files.get(file)
  const yaml = text === undefined ? undefined : readYaml(file, text)
  // A file that is no YAML was reported already.
  if (!yaml || !('value' in yaml)) return null
  try {
    return withRoleDefaults(readArgumentSpecs(yaml.value), readDefaults(name, files))
  } catch (error) {
    if (!(error instanceof SpecFault)) throw error
    faults.push(yaml.faultAt(error.path, error.message))
    return null
  }
}

/** Returns the defaults of a role; a file that cannot be read is reported elsewhere. */
function readDefaults(role: string, files: ReadonlyMap<string, string>): Record<string, unknown> {
  const file = [`roles/${role}/defaults/main.yml`, `roles/${role}/defaults/main.yaml`].find((path) =>
    files.has(path),
  )
  const yaml = file === undefined ? undefined : readYaml(file, files.get(file) ?? '')
  const value = yaml && 'value' in yaml ? yaml.value : null
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {}
}

function checkYaml(file: string, text: string, faults: Fault[]): void {
  const yaml = readYaml(file, text)
  if (!('value' in yaml)) faults.push(yaml)
}

const line = (text: string, maxLength: number) => sanitizeText(text.replace(/\s+/g, ' ').trim(), maxLength)
