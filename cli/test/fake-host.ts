import { randomUUID } from 'node:crypto'
import type { HostView } from '@rollcall/contracts/admin'

export const FINGERPRINT = `SHA256:${'A'.repeat(43)}`

/** A host as the server shows it, a minute and a half in its state. */
export function fakeHost(name: string, state: HostView['state'], more: Partial<HostView>): HostView {
  return {
    id: randomUUID(),
    name,
    address: '192.0.2.1',
    port: 22,
    user: 'root',
    labels: {},
    state,
    stateCode: null,
    stateReason: null,
    stateSince: new Date(Date.now() - 90_000).toISOString(),
    hostKey: FINGERPRINT,
    heartbeatProfile: null,
    autoReinstall: true,
    lastProvisioning: null,
    createdAt: new Date().toISOString(),
    agent: {
      port: 21_000,
      nextPort: null,
      certificatePin: `sha256/${'B'.repeat(43)}=`,
      version: '0.1.0',
      architecture: 'x64',
      installedAt: new Date().toISOString(),
      lastAnswerAt: new Date().toISOString(),
      credentialsAt: new Date().toISOString(),
      rotatedAt: null,
    },
    ...more,
  }
}
