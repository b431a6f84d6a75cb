import { MAX_CONFIG_BYTES } from '../limits.ts'
import { list, oneOrMany } from '../read/collections.ts'
import { isOff, mapping, otherwise, refused, taken } from '../read/keys.ts'
import type { Reader } from '../read/reader.ts'
import { byteSize, choice, fileMode, flag, text } from '../read/scalars.ts'
import { type At, byKind, converted, placed, type Shape } from '../read/shape.ts'
import { isNull, type Place } from '../source/tree.ts'
import { pathFault, VOLUME_NAME } from './patterns.ts'

export type Mount = { target: string; isReadOnly: boolean } & (
  | {
      type: 'volume' /** Null for one without a name, which goes with its instance. */
      source: string | null
    }
  | {
      type: 'bind'
      source: string
      isCreated: boolean
      propagation: string | null
      selinux: 'z' | 'Z' | null
    }
  | { type: 'tmpfs'; sizeBytes: number | null; mode: number | null }
  | { type: 'file' /** The path beside the Compose file, without "./". */; source: string; content: string }
)

const PROPAGATIONS = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'] as const
const RELATIVE = {
  reason: 'is a path beside this file, which no host has',
  instead:
    'use a named volume for data ("data:/var/lib/data" and "volumes: {data: }"), or an absolute path of the hosts; a text file is sent to them if it is beside this file',
}

const path = text({ form: 'an absolute path', max: 4096 })

/** Checks both paths. Returns undefined after a fault. */
function checked(mount: Mount, place: Place, reader: Reader): Mount | undefined {
  const wrong = pathFault(mount.target)
  if (wrong)
    return reader.fault(place, `${wrong} in the container`, 'write an absolute path such as /var/lib/data')
  if (mount.type === 'bind') return checkedBind(mount, place, reader)
  if (mount.type !== 'volume' || mount.source === null) return mount
  if (!VOLUME_NAME.pattern.test(mount.source))
    return reader.fault(place, 'is not the name of a volume', `write ${VOLUME_NAME.form}`)
  return mount
}

function checkedBind(mount: Mount & { type: 'bind' }, place: Place, reader: Reader): Mount | undefined {
  if (/^(\.|~|[A-Za-z]:\\|\\\\)/.test(mount.source))
    return toFile(mount, place, reader) ?? reader.fault(place, RELATIVE.reason, RELATIVE.instead)
  const wrong = pathFault(mount.source)
  if (wrong) return reader.fault(place, `${wrong} on the host`, 'write an absolute path without ".."')
  if (/^\/(etc\/rollcall|run\/rollcall|var\/lib\/rollcall)/.test(mount.source))
    return reader.fault(place, 'is a folder of Rollcall itself', 'mount another one')
  return mount
}

/** Reads a text file beside the Compose file, which hosts get a copy of. Returns undefined for a folder or a file that is not there. */
function toFile(
  { source, target }: Mount & { type: 'bind' },
  place: Place,
  reader: Reader,
): Mount | undefined {
  const path = /^\.\/+(.+)$/.exec(source)?.[1]
  if (path === undefined || pathFault(`/${path}`)) return undefined
  const content = reader.sources.readFile(path)
  if (content === undefined || content.length > MAX_CONFIG_BYTES || content.includes('\0')) return undefined
  reader.take(
    place,
    'otherwise',
    `${path} is a file beside this one: hosts get a copy with mode 0444, which the container cannot change`,
  )
  return { type: 'file', source: path, content, target, isReadOnly: true }
}

const SHORT_FORM = 'a mount such as "data:/var/lib/data" or "/srv/data:/data:ro"'

const short: Shape<Mount> = converted(text({ form: SHORT_FORM, max: 8192 }), (value, node, reader) => {
  const parts = value.split(':')
  const [first = '', target, options = ''] = parts
  if (parts.length > 3 || parts.some((part) => part === ''))
    return reader.fault(node.place, 'is not a mount', `write ${SHORT_FORM}`)
  if (target === undefined)
    return checked({ type: 'volume', source: null, target: first, isReadOnly: false }, node.place, reader)
  const words = options === '' ? [] : options.split(',')
  const isBind = /^([./~]|\\\\)/.test(first)
  const unknown = words.find((word) => !isOption(word, isBind))
  if (unknown !== undefined)
    return reader.fault(
      node.place,
      'has an option that is not known',
      isBind ? `write ro, rw, z, Z or one of ${PROPAGATIONS.join(', ')}` : 'write ro, rw or nocopy',
    )
  if (words.some((word) => IS_IDLE.test(word)))
    reader.take(node.place, 'otherwise', 'has an option that changes nothing on Linux')
  const isReadOnly = words.includes('ro')
  if (!isBind) return checked({ type: 'volume', source: first, target, isReadOnly }, node.place, reader)
  const propagation = PROPAGATIONS.find((one) => words.includes(one)) ?? null
  const selinux = (['z', 'Z'] as const).find((one) => words.includes(one)) ?? null
  const bind: Mount = {
    type: 'bind',
    source: first,
    target,
    isReadOnly,
    isCreated: true,
    propagation,
    selinux,
  }
  return checked(bind, node.place, reader)
})

/** Accepted by Compose, and without meaning here: an empty volume is filled from the image in any case. */
const IS_IDLE = /^(cached|delegated|consistent|nocopy)$/

function isOption(word: string, isBind: boolean): boolean {
  if (/^(ro|rw)$/.test(word)) return true
  if (!isBind) return word === 'nocopy'
  return /^(z|Z|cached|delegated|consistent)$/.test(word) || PROPAGATIONS.some((one) => one === word)
}

const BIND = mapping(
  {
    propagation: taken(choice(PROPAGATIONS)),
    create_host_path: taken(flag, 'the folder is created if it is not there'),
    selinux: taken(choice(['z', 'Z'])),
    recursive: refused('leave it out: mounts below the folder come with it'),
  },
  { of: 'a bind mount' },
)
const VOLUME = mapping(
  {
    nocopy: otherwise(flag, 'an empty volume is filled from the image in any case'),
    labels: refused('leave it out: labels of volumes have no use here'),
    subpath: refused('mount the whole volume, and let the program use the folder'),
  },
  { of: 'a volume mount' },
)
const TMPFS = mapping({ size: taken(byteSize(4096)), mode: taken(fileMode) }, { of: 'a tmpfs mount' })

const long = converted(
  mapping(
    {
      type: taken(choice(['volume', 'bind', 'tmpfs'])),
      source: taken(text(), 'the volume, or the path on the host'),
      target: taken(path, 'the path in the container'),
      read_only: taken(flag),
      consistency: otherwise(text(), 'has no meaning on Linux'),
      bind: taken(BIND),
      volume: taken(VOLUME),
      tmpfs: taken(TMPFS),
      image: refused('start from the image, or copy its content into a volume'),
    },
    { of: 'a mount', required: ['type', 'target'] },
  ),
  ({ type, source = null, target, read_only: isReadOnly = false, bind, tmpfs }, { place }, reader) => {
    if (type === undefined || target === undefined) return undefined
    const base = { target, isReadOnly }
    if (type === 'tmpfs')
      return checked(
        { ...base, type, sizeBytes: tmpfs?.size ?? null, mode: tmpfs?.mode ?? null },
        place,
        reader,
      )
    if (type === 'volume') return checked({ ...base, type, source }, place, reader)
    if (source === null) return reader.fault(place, 'lacks source', 'add source: /path/on/the/host')
    const { create_host_path: isCreated = false, propagation = null, selinux = null } = bind ?? {}
    return checked({ ...base, type, source, isCreated, propagation, selinux }, place, reader)
  },
)

/** Mounts of a service in both of Compose's forms. */
export const mounts: Shape<At<Mount>[]> = list(
  placed(byKind({ scalar: short, map: long })),
  'a list of mounts',
)

const TMPFS_FORM = 'a path such as /run, or /run:size=64m,mode=1777'

/** Paths that are kept in memory: `tmpfs: /run`, or a list, each with options. */
export const tmpfsMounts: Shape<At<Mount>[]> = oneOrMany(
  placed(
    converted(text({ form: TMPFS_FORM }), (value, node, reader) => {
      const [target = '', options = ''] = value.split(':', 2)
      const mount = { type: 'tmpfs' as const, target, isReadOnly: false, sizeBytes: null, mode: null }
      const result: Mount & { type: 'tmpfs' } = mount
      for (const option of options === '' ? [] : options.split(',')) {
        const [name, given = ''] = option.split('=', 2)
        const written = { kind: 'scalar', type: 'text', text: given, place: node.place } as const
        if (name === 'size') result.sizeBytes = byteSize(4096).read(written, reader) ?? null
        else if (name === 'mode')
          result.mode = fileMode.read({ ...written, text: `0${given}` }, reader) ?? null
        else if (name === 'ro') result.isReadOnly = true
        // These hold anyway.
        else if (!/^(rw|noexec|nosuid|nodev)$/.test(name ?? ''))
          return reader.fault(
            node.place,
            'has an option that is not supported',
            'write size=, mode=, ro or rw',
          )
      }
      return checked(result, node.place, reader)
    }),
  ),
)

const DRIVER = text({ form: 'local', max: 100 })

/** A volume of the file: `data:`, or with a name of its own. */
export const volumeDeclaration = converted(
  mapping(
    {
      name: taken(
        text({ form: VOLUME_NAME.form, pattern: VOLUME_NAME.pattern }),
        'the name of the volume on its host',
      ),
      external: taken(flag, 'it is on the host already, and is never created or removed'),
      driver: taken(DRIVER, 'local'),
      driver_opts: refused(
        'mount it on the hosts by a playbook, and bind the path',
        (node) => isNull(node) || isOff(node),
      ),
      labels: otherwise({ form: 'labels', read: () => true }, 'labels of volumes have no use here'),
    },
    { of: 'a volume', isOptional: true },
  ),
  (values, node, reader) => {
    const { driver } = values
    if (driver !== undefined && driver !== 'local')
      return reader.fault(
        values.places.driver ?? node.place,
        'has a driver that is not supported',
        'mount it on the hosts by a playbook, and bind the path',
        'service.key_unsupported',
      )
    return { name: values.name ?? null, isExternal: values.external ?? false }
  },
)
