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
  addHost: defineRoute('POST', '/api/hosts', {
    summary: 'Adds a host and installs its agent.',
    access: 'hosts:write',
    scope: 'filtered',
    audit: 'always',
    status: 202,
    body: newHost,
    response: hostAccepted,
  }),
  changeHost: defineRoute('PATCH', '/api/hosts/:host', {
    summary:
      'Changes how a host is reached, its labels, heartbeat profile or automatic reinstallation. Fields that are left out stay. A new address or credential is tested first; if that fails, nothing is changed.',
    access: 'hosts:write',
    scope: { host: 'params.host' },
    audit: 'always',
    params: hostParam,
    body: hostChange,
    response: hostChanged,
  }),
  installHost: defineRoute('POST', '/api/hosts/:host/install', {
    summary:
      'Reinstalls the agent with the same identity. A healthy agent is left alone. takeOver=true replaces an agent of another host or server; allowDuplicate=true allows the machine, or a clone, of another host.',
    access: 'hosts:write',
    scope: { host: 'params.host' },
    audit: 'always',
    status: 202,
    params: hostParam,
    query: z.strictObject({ takeOver: flag, allowDuplicate: flag }),
    response: hostAccepted,
  }),
  removeHost: defineRoute('DELETE', '/api/hosts/:host', {
    summary:
      'Uninstalls the agent and removes the host. forget=true removes the host without connecting to it; what is installed there stays.',
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
  scanHostKey: defineRoute('POST', '/api/host-keys', {
    summary:
      'Returns the SSH host key that an address shows now, to be compared before it is trusted. Nothing is stored.',
    access: 'hosts:write',
    scope: 'none',
    audit: 'always',
    body: newHost.pick({ address: true, port: true }),
    response: z.strictObject({ fingerprint: sshFingerprint, algorithm: z.string() }),
  }),
  checkHost: defineRoute('POST', '/api/host-checks', {
    summary:
      'Signs in to a new host and checks whether an agent can be installed. Nothing is changed there or stored.',
    access: 'hosts:write',
    scope: 'none',
    audit: 'always',
    body: hostCheckRequest,
    response: hostChecked,
  }),
} as const
