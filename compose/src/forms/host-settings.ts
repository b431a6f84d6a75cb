import { list, named, oneOrMany, pairs } from '../read/collections.ts'
import { mapping, otherwise, taken } from '../read/keys.ts'
import { choice, text, wholeNumber } from '../read/scalars.ts'
import { byKind, converted, type Shape } from '../read/shape.ts'
import { isNull } from '../source/tree.ts'
import { ADDRESS, HOST_NAME, pathFault } from './patterns.ts'

export interface Ulimit {
  name: string
  soft: number
  hard: number
}

const ULIMITS =
  'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'
const limit = wholeNumber(-1, Number.MAX_SAFE_INTEGER)

/** Limits of processes: a number, or a soft and a hard one. -1 is without limit. */
export const ulimits: Shape<Ulimit[]> = converted(
  named(
    byKind({
      scalar: converted(limit, (both) => ({ soft: both, hard: both })),
      map: converted(
        mapping({ soft: taken(limit), hard: taken(limit) }, { of: 'a limit', required: ['soft', 'hard'] }),
        ({ soft, hard }) => (soft === undefined || hard === undefined ? undefined : { soft, hard }),
      ),
    }),
    {
      pattern: new RegExp(`^(${ULIMITS.replaceAll(' ', '|')})$`),
      form: `one of ${ULIMITS.replaceAll(' ', ', ')}`,
      of: 'a limit',
    },
  ),
  (limits) => limits.map(({ name, value }) => ({ name, soft: value.soft, hard: value.hard })),
)

export interface Setting {
  name: string
  value: string
}

/** Kernel settings that a container has for itself. Others are the host's. */
export const sysctls: Shape<Setting[]> = converted(
  pairs({
    pattern: /^(net\.[a-z0-9_.-]+|kernel\.(shm[a-z_]+|msg[a-z]+|sem)|fs\.mqueue\.[a-z_]+)$/,
    form: 'net.…, kernel.shm…, kernel.msg…, kernel.sem or fs.mqueue.…; others are of the host: set them by a playbook',
    of: 'a setting that a container can have for itself',
  }),
  (settings, _node, reader) =>
    settings.flatMap(({ name, place, value }) => {
      if (value !== null && /^[A-Za-z0-9 ._-]{1,200}$/.test(value)) return [{ name, value }]
      reader
        .at(name)
        .fault(place, `gives ${name} no value that the kernel takes`, 'write letters, digits and spaces')
      return []
    }),
)

export interface ExtraHost {
  name: string
  /** An address, or `host-gateway` for the host itself. */
  address: string
}

/** Names for /etc/hosts: a list of name:address or name=address, or a mapping. */
export const extraHosts: Shape<ExtraHost[]> = converted(
  byKind({
    list: pairs({ ...HOST_NAME, of: 'a host', separators: ['=', ':'] }),
    map: converted(
      named(oneOrMany(text({ form: 'an address', max: 45 })), { ...HOST_NAME, of: 'a host' }),
      (hosts) =>
        hosts.flatMap(({ name, place, value }) => value.map((address) => ({ name, place, value: address }))),
    ),
  }),
  (hosts, _node, reader) =>
    hosts.flatMap(({ name, place, value }) => {
      const address = value?.replace(/^\[(.*)\]$/, '$1') ?? ''
      if (address === 'host-gateway' || ADDRESS.test(address)) return [{ name, address }]
      reader.fault(place, `gives ${name} no address`, 'write name:address with an IP address or host-gateway')
      return []
    }),
)

export interface Device {
  source: string
  target: string
  permissions: string
}

const DEVICE_FORM = 'a device such as /dev/ttyUSB0, or /dev/ttyUSB0:/dev/modem:rw'
const permissions = text({ form: 'r, w and m', pattern: /^[rwm]{1,3}$/ })

/** Devices of the host that a container may use. */
export const devices: Shape<Device[]> = list(
  converted(
    byKind({
      scalar: converted(text({ form: DEVICE_FORM }), (value) => {
        const [source = '', target = source, permissions = 'rwm'] = value.split(':')
        return { source, target, permissions }
      }),
      map: converted(
        mapping(
          { source: taken(text()), target: taken(text()), permissions: taken(permissions) },
          { of: 'a device', required: ['source'] },
        ),
        ({ source, target = source, permissions = 'rwm' }) =>
          source === undefined || target === undefined ? undefined : { source, target, permissions },
      ),
    }),
    (device, { place }, reader) => {
      const isDevice = device.source.startsWith('/dev/') && /^[rwm]{1,3}$/.test(device.permissions)
      if (isDevice && !pathFault(device.source) && !pathFault(device.target)) return device
      return reader.fault(place, 'is not a device', `write ${DEVICE_FORM}`)
    },
  ),
)

/** Where output goes: always to the journal. */
export const logging: Shape<{ driver: 'journald' | 'none' }> = converted(
  mapping(
    {
      driver: taken(choice(['journald', 'json-file', 'local', 'none'])),
      options: otherwise(
        named(
          { form: 'a text', read: (node, reader) => (isNull(node) ? '' : text().read(node, reader)) },
          {
            pattern: /^(max-size|max-file|compress|mode|max-buffer-size|tag|labels|env)$/,
            form: 'an option of json-file, local or journald',
            of: 'an option',
          },
        ),
        'the journal of the host bounds its own size',
      ),
    },
    { of: 'logging' },
  ),
  ({ driver = 'journald', places }, node, reader) => {
    if (driver === 'json-file' || driver === 'local')
      reader
        .at('driver')
        .take(places.driver ?? node.place, 'otherwise', 'output goes to the journal of the host')
    return { driver: driver === 'none' ? 'none' : 'journald' }
  },
)
