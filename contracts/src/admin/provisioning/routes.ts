import { z } from 'zod'
import { sshFingerprint, uuid } from '../../text.ts'
import { hostChange } from '../heartbeats/profiles.ts'
import {
  hostAccepted,
  hostChanged,
  hostChecked,
  hostCheckRequest,
  hostParam,
  newHost,
} from '../hosts/schemas.ts'
import { defineRoute } from '../route.ts'

const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true')

/** Adding, changing, installing and removing hosts. */
export const PROVISIONING_ROUTES = {
  addHost: defineRoute({
    method: 'POST',
    path: '/api/hosts',
    summary: 'Adds a host and installs its agent.',
    access: 'hosts:write',
    scope: 'filtered',
    audit: 'always',
    status: 202,
    body: newHost,
    response: hostAccepted,
  }),
  changeHost: defineRoute({
    method: 'PATCH',
    path: '/api/hosts/:host',
    summary:
      'Changes a host: how it is reached, its labels, heartbeat profile or automatic reinstallation. What is left out stays. How it is reached is tried first, and where that fails nothing is changed.',
    access: 'hosts:write',
    scope: { host: 'params.host' },
    audit: 'always',
    params: hostParam,
    body: hostChange,
    response: hostChanged,
  }),
  installHost: defineRoute({
    method: 'POST',
    path: '/api/hosts/:host/install',
    summary:
      'Installs the agent again, with the same identity. Changes nothing where nothing is amiss. With takeOver=true an agent there that belongs to another host or server is replaced; with allowDuplicate=true it may be the machine, or a clone, of another host.',
    access: 'hosts:write',
    scope: { host: 'params.host' },
    audit: 'always',
    status: 202,
    params: hostParam,
    query: z.strictObject({ takeOver: flag, allowDuplicate: flag }),
    response: hostAccepted,
  }),
  removeHost: defineRoute({
    method: 'DELETE',
    path: '/api/hosts/:host',
    summary:
      'Uninstalls the agent and then forgets the host. With forget=true the host is forgotten without being reached, and what is installed there stays.',
    access: 'hosts:write',
    scope: { host: 'params.host' },
    audit: 'always',
    status: 202,
    params: hostParam,
    query: z.strictObject({ forget: flag }),
    response: z.strictObject({
      /** The removal that was started; null when the host was forgotten. */
      commandId: uuid.nullable(),
      message: z.string(),
    }),
  }),
  scanHostKey: defineRoute({
    method: 'POST',
    path: '/api/host-keys',
    summary:
      'The SSH host key that an address shows now, to be compared before it is trusted. Nothing is stored.',
    access: 'hosts:write',
    scope: 'none',
    audit: 'always',
    body: newHost.pick({ address: true, port: true }),
    response: z.strictObject({ fingerprint: sshFingerprint, algorithm: z.string() }),
  }),
  checkHost: defineRoute({
    method: 'POST',
    path: '/api/host-checks',
    summary:
      'Signs in to a host that is not in the fleet yet and says whether an agent can be installed there. Nothing is changed on the host, and nothing is stored.',
    access: 'hosts:write',
    scope: 'none',
    audit: 'always',
    body: hostCheckRequest,
    response: hostChecked,
  }),
} as const
