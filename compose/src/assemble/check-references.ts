import type { Reader } from '../read/reader.ts'
import type { At } from '../read/shape.ts'
import { checkDoubles } from './check-doubles.ts'
import { type Draft, type FileValues, isAlone, toMounts, toReplicas } from './drafts.ts'

const HARMLESS_OPTION = /^no-new-privileges(?:[:=](true|false))?$/
/** Matches paths that give a container the whole host. */
const WHOLE_HOST =
  /^(\/|\/etc|\/proc|\/sys|\/dev|\/root|\/boot|(\/var)?\/run(\/(docker|podman\/podman)\.sock)?)\/?$/
const ALLOW = 'write allow_privileged: true under x-rollcall of this service, or do without'

/** Checks what services say about what stands elsewhere in the file. */
export function checkReferences(drafts: readonly Draft[], file: FileValues, reader: Reader): void {
  const toNames = (all: readonly { name: string }[] = []) => new Set(all.map(({ name }) => name))
  const [volumes, configs, services] = [toNames(file.volumes), toNames(file.configs), toNames(drafts)]
  const used = new Set<string>()
  for (const draft of drafts) {
    for (const { place, value } of toMounts(draft)) {
      if (value.type !== 'volume' || value.source === null) continue
      used.add(value.source)
      if (!volumes.has(value.source))
        draft.reader
          .at('volumes')
          .fault(
            place,
            `uses the volume ${value.source}, which is not defined`,
            `add "${value.source}:" under volumes of the file`,
          )
    }
    for (const { place, value } of draft.values.configs ?? [])
      if (!configs.has(value.source))
        draft.reader
          .at('configs')
          .fault(
            place,
            `uses the config ${value.source}, which is not defined`,
            'define it under configs, with content or file',
          )
    tellOwnData(draft, drafts)
    checkReach(draft, drafts, services)
    checkDoubles(draft)
    checkPrivileges(draft)
    checkTargets(draft)
  }
  for (const { name, place } of file.volumes ?? [])
    if (!used.has(name)) reader.at('volumes').at(name).take(place, 'otherwise', 'is used by no service')
}

/** Tells where a volume that looks shared is not: its data is on one host, and instances of other groups may be on others. */
function tellOwnData(draft: Draft, drafts: readonly Draft[]): void {
  const shared = new Set(
    draft.values['x-rollcall']?.volumes?.flatMap(({ name, value }) =>
      value.move === 'shared' ? [name] : [],
    ),
  )
  for (const { place, value } of draft.values.volumes ?? []) {
    const { source } = value.type === 'volume' ? value : { source: null }
    if (source === null || shared.has(source)) continue
    const isElsewhere = drafts.some(
      (one) =>
        one !== draft &&
        (isAlone(one) || isAlone(draft)) &&
        toMounts(one).some((mount) => mount.value.type === 'volume' && mount.value.source === source),
    )
    const says = isElsewhere
      ? `is also used in another group: each has its own data in ${source}`
      : `has its own data in ${source} for each instance`
    if (isElsewhere || toReplicas(draft) !== 1) draft.reader.at('volumes').take(place, 'otherwise', says)
  }
}

function checkReach(draft: Draft, drafts: readonly Draft[], services: ReadonlySet<string>): void {
  const reach = draft.values['x-rollcall']?.reach ?? []
  const reader = draft.reader.at('x-rollcall').at('reach')
  for (const { place, value } of reach)
    if (!services.has(value))
      reader.fault(
        place,
        `names the service ${value}, which is not in this file`,
        'name a service of this file',
      )
    else if (value === draft.name) reader.fault(place, 'names the service itself', 'remove it')
    else if (!isAlone(draft) && drafts.some((one) => one.name === value && !isAlone(one)))
      reader.take(place, 'otherwise', `is not needed: ${value} is in the same group, and found by its name`)
  for (const { name, place } of draft.values.depends_on ?? []) {
    const isSplit = isAlone(draft) || drafts.some((one) => one.name === name && isAlone(one))
    if (isSplit && services.has(name) && !reach.some(({ value }) => value === name))
      draft.reader
        .at('depends_on')
        .at(name)
        .take(
          place,
          'otherwise',
          `${name} is in another group: its name is not found, x-rollcall.reach gives its address`,
        )
  }
}

/** Refuses what gives a container the whole host, unless the file says that it may. */
function checkPrivileges({ values, reader }: Draft): void {
  if (values['x-rollcall']?.allow_privileged) return
  const refuse = (key: string, { place }: At<unknown>, reason: string, instead = ALLOW) =>
    reader.at(key).fault(place, reason, instead, 'service.key_unsupported')
  const { privileged, pid, ipc, security_opt: options } = values
  if (privileged?.value) refuse('privileged', privileged, 'gives the container the whole host')
  if (pid) refuse('pid', pid, 'shows the container all processes of the host')
  if (ipc?.value === 'host') refuse('ipc', ipc, 'shares memory with the host')
  for (const option of options ?? [])
    if (!HARMLESS_OPTION.test(option.value))
      refuse('security_opt', option, 'takes protection away, or needs a profile of the host')
  for (const mount of toMounts({ values }))
    if (mount.value.type === 'bind' && WHOLE_HOST.test(mount.value.source))
      refuse('volumes', mount, 'gives the container the whole host')
}

/** Two things cannot stand at one path of a container. */
function checkTargets(draft: Draft): void {
  const seen = new Map<string, number>()
  const check = (key: string, target: string, { place }: At<unknown>) => {
    const path = target.replace(/(?<=.)\/+$/, '')
    const line = seen.get(path)
    if (line !== undefined)
      draft.reader
        .at(key)
        .fault(place, `is at the same path as line ${line} has`, 'choose another path in the container')
    else seen.set(path, place.line)
  }
  for (const mount of toMounts(draft)) check('volumes', mount.value.target, mount)
  for (const grant of draft.values.secrets ?? []) check('secrets', grant.value.target, grant)
  for (const grant of draft.values.configs ?? []) check('configs', grant.value.target, grant)
}
