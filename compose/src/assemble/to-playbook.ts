import type { At } from '../read/shape.ts'
import type { ServiceSpec } from '../spec.ts'
import type { Draft, ServiceValues } from './drafts.ts'

/** The keys of a service that a playbook has a use for. All others are about containers. */
const KEYS: ReadonlySet<string> = new Set([
  'ports',
  'depends_on',
  'deploy',
  'scale',
  'mem_reservation',
  'x-rollcall',
])
/** The keys of `x-rollcall` that are about images and containers. */
const CONTAINER_KEYS = ['volumes', 'secret_environment', 'spares', 'pull', 'allow_privileged'] as const
/** Checks that look at processes, which are those of the unit. */
const OF_UNIT: ReadonlySet<string> = new Set(['process', 'resources'])
const INSTEAD = 'remove it, or give it by x-rollcall.variables'

/** Returns what a draft with a playbook runs. Whatever is about containers is a fault, as is a port that only a container could have. */
export function toPlaybookRun(draft: Draft, name: string, isJob: boolean): ServiceSpec['runs'] {
  const { values, reader } = draft
  const own = values['x-rollcall']
  const at = reader.at('x-rollcall')
  checkKeys(draft)
  checkPorts(draft)
  checkChecks(draft)
  if (isJob && own?.places.playbook)
    at.at('playbook').fault(
      own.places.playbook,
      'has no end that others could wait for',
      'wait for it by depends_on with service_started or service_healthy',
    )
  const variables = Object.fromEntries(
    (own?.variables ?? []).map((variable) => [variable.name, variable.value]),
  )
  return {
    kind: 'playbook',
    playbook: { name, variables, unit: own?.unit ?? null, ...toReservations(values) },
  }
}

function toReservations({ deploy, mem_reservation: reserved }: ServiceValues) {
  const { reservations } = deploy?.resources ?? {}
  return {
    reservedCpus: reservations?.cpus ?? null,
    reservedMemoryBytes: reservations?.memory ?? reserved ?? null,
  }
}

function checkKeys({ values, reader }: Draft): void {
  for (const [key, place] of Object.entries(values.places))
    if (!KEYS.has(key) && values[key as keyof ServiceValues] !== undefined)
      reader.at(key).fault(place, 'has no meaning for a playbook', INSTEAD)
  const own = values['x-rollcall']
  for (const key of CONTAINER_KEYS) {
    const place = own?.places[key]
    if (place) reader.at('x-rollcall').at(key).fault(place, 'has no meaning for a playbook', 'remove it')
  }
  if (values.deploy?.resources?.limits && values.places.deploy)
    reader
      .at('deploy')
      .at('resources')
      .at('limits')
      .fault(
        values.places.deploy,
        'has no meaning for a playbook',
        'have the playbook write MemoryMax and CPUQuota into its unit; reservations count for the placement',
      )
}

/** A playbook listens on the host itself: nothing stands between the port of the host and its own. */
function checkPorts({ values, reader }: Draft): void {
  for (const { place, value } of values.ports?.value ?? [])
    if (value.published !== value.target)
      reader
        .at('ports')
        .fault(
          place,
          `publishes ${value.target} under another port, which only a container can`,
          `write "${value.target}:${value.target}", the port that the playbook is told to listen on`,
        )
}

function checkChecks({ values, reader }: Draft): void {
  const own = values['x-rollcall']
  const refuse = ({ place }: At<unknown>, reason: string, instead: string) =>
    reader.at('x-rollcall').at('checks').fault(place, reason, instead)
  for (const check of own?.checks ?? [])
    if (check.value.probe.kind === 'command')
      refuse(check, 'has a command, and there is no container to run it in', 'check http, tcp or database')
    else if (OF_UNIT.has(check.value.probe.kind) && own?.unit === undefined)
      refuse(
        check,
        `looks at ${check.value.probe.kind}, and no unit is named`,
        'name the unit under x-rollcall.unit',
      )
}
