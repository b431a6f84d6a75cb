import { z } from 'zod'
import { neverAnId, plainText, spkiPin, sshFingerprint, uuid, withoutFault } from '../../text.ts'
import { LABEL_KEY, LABEL_VALUE } from '../selector.ts'
import { defineStates, type StateDescriptor } from '../states.ts'
import { hostReference } from './reference.ts'

export const hostName = z
  .string()
  .min(1)
  .max(63)
  .regex(
    /^[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?$/,
    'must be letters, digits, dots, dashes and underscores',
  )

/** The host that a route is about; the guard reads it, and hands on which host it is. */
export const hostParam = z.strictObject({ host: hostReference })

/** A DNS name or an IP address; IPv6 without brackets, a link-local one with its zone (`fe80::1%eth0`). */
const address = z
  .string()
  .min(1)
  .max(253)
  .regex(
    /^(?:[A-Za-z0-9.:_-]+|[Ff][Ee][89ABab][0-9A-Fa-f]:[0-9A-Fa-f:.]+%[A-Za-z0-9._-]{1,15})$/,
    'must be a host name or an IP address, an IPv6 one without brackets; only a link-local one (fe80::…) has a zone, the name of a network interface of the server',
  )

export const hostLabels = z
  .record(
    z.string().regex(LABEL_KEY, 'must be a label key of at most 63 characters'),
    z
      .string()
      .regex(
        LABEL_VALUE,
        'must be a label value of at most 63 letters, digits, dots, dashes and underscores',
      ),
  )
  .refine((all) => Object.keys(all).length <= 64, 'must not be more than 64 labels')

/** Agents have no right to listen below. */
const MIN_AGENT_PORT = 1024
const MAX_PORT = 65_535

export interface PortRange {
  first: number
  last: number
}

/** Reads `7000` or `7000-7100`; returns what is wrong with another text. */
export function parsePortRange(text: string): PortRange | string {
  const [, first = '', last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text.trim()) ?? []
  const range = { first: Number(first), last: Number(last) }
  if (first === '') return 'must be a port or a range of ports, such as 7000 or 7000-7100'
  if (range.first < MIN_AGENT_PORT || range.last > MAX_PORT)
    return `must lie between ${MIN_AGENT_PORT} and ${MAX_PORT}`
  if (range.first > range.last) return `begins with ${range.first}, after its end: write ${last}-${first}`
  return range
}

/** A TCP port for an agent, or a range to choose it from. */
export const agentPorts = z.string().max(11).superRefine(withoutFault(parsePortRange))

const secret = (maxLength: number) => z.string().min(1).max(maxLength)

/** How the server signs in over SSH. Sealed at rest and never given out again. */
export const sshCredential = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('password'), password: secret(1024) }),
  z.strictObject({
    type: z.literal('key'),
    privateKey: secret(65_536),
    passphrase: secret(1024).optional(),
    /** The certificate of this key: the one line of its `-cert.pub` file. */
    certificate: z.string().min(1).max(65_536).optional(),
    /** For a host that asks for a password as well; it is given to sudo too. */
    password: secret(1024).optional(),
  }),
])
export type SshCredential = z.infer<typeof sshCredential>

const sshPort = z.int().min(1).max(65_535)
const sshUser = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[A-Za-z_][A-Za-z0-9_.@\\-]*\$?$/, 'must be a Unix user name')

/** Permission to add a machine that is in the fleet already; it is refused without. */
const takenOnPurpose = z.strictObject({
  /** It may be the machine of another host, or a clone of one: its SSH host key or its machine id is that host's. */
  allowDuplicate: z.boolean().default(false),
  /** An agent on it that belongs to another host, or to another Rollcall server, is replaced. Includes `allowDuplicate`. */
  takeOver: z.boolean().default(false),
})

export const newHost = z.strictObject({
  name: neverAnId(hostName),
  address,
  port: sshPort.default(22),
  user: sshUser.default('root'),
  credential: sshCredential,
  /** The password for sudo; the SSH password is tried if it is missing. */
  sudoPassword: secret(1024).optional(),
  /** The SSH host key's fingerprint when it is known beforehand; otherwise the first one seen is pinned. */
  hostKey: sshFingerprint.optional(),
  labels: hostLabels.default({}),
  /** Where its agent is to listen; left out for where the server puts agents. */
  agentPorts: agentPorts.optional(),
  ...takenOnPurpose.shape,
})
export type NewHost = z.infer<typeof newHost>
export type NewHostInput = z.input<typeof newHost>

/** The changes to how a host is reached. They are tried before they are stored, unless `skipCheck` is set. */
export const hostReachChange = z.strictObject({
  address: address.optional(),
  /** The port of SSH. */
  port: sshPort.optional(),
  user: sshUser.optional(),
  /** In place of the one there is. */
  credential: sshCredential.optional(),
  /** Null to have none any more. */
  sudoPassword: secret(1024).nullable().optional(),
  /** The SSH host key that the host has now: for one that was reinstalled, or another of its keys. */
  hostKey: sshFingerprint.optional(),
  /** One port, or a range to choose it from. An agent that listens elsewhere is moved. */
  agentPorts: agentPorts.optional(),
  /** It may be the machine, or a clone, of another host of the fleet. */
  allowDuplicate: z.boolean().optional(),
  /** Stores it without signing in first: for a host that cannot be reached now. */
  skipCheck: z.boolean().optional(),
})
export type HostReachChange = z.infer<typeof hostReachChange>

interface HostStateDescriptor extends StateDescriptor {
  /** The class of the host in the health of the fleet. */
  health: 'healthy' | 'degraded' | 'offline' | 'other'
  /** An installation, upgrade or removal is at work on it, and no other may begin. */
  isBusy?: true
  /** Its agent answers, so what is known of the host is of now. */
  isAnswering?: true
  /** Its agent is called. In the others something else is at work on the host, or waits for a person. */
  isCalled?: true
}

/**
 * - `installing`: being bootstrapped. `install_failed`: see `stateReason` and the installation's log.
 * - `online`: the agent answered the last call. `degraded`: it did, but the host is not well: see `stateReason`.
 * - `offline`: it did not answer, after all retries.
 * - `credentials_refused`, `identity_changed`: another agent answers than the installed one. Never treated as offline.
 * - `upgrading`: its agent is being replaced.
 * - `removing`, `remove_failed`: being uninstalled.
 */
export const HOST_STATE = defineStates<HostStateDescriptor>()({
  installing: { tone: 'busy', sign: '◌', urgency: 4, health: 'other', isBusy: true },
  install_failed: { tone: 'bad', sign: '✕', urgency: 2, health: 'other', isCalled: true },
  online: { tone: 'ok', sign: '●', urgency: 5, health: 'healthy', isAnswering: true, isCalled: true },
  degraded: { tone: 'warn', sign: '▲', urgency: 3, health: 'degraded', isAnswering: true, isCalled: true },
  offline: { tone: 'bad', sign: '○', urgency: 1, health: 'offline', isCalled: true },
  credentials_refused: { tone: 'bad', sign: '✕', urgency: 0, health: 'offline', isCalled: true },
  identity_changed: { tone: 'bad', sign: '✕', urgency: 0, health: 'offline', isCalled: true },
  upgrading: { tone: 'busy', sign: '◌', urgency: 4, health: 'other', isBusy: true },
  removing: { tone: 'busy', sign: '◌', urgency: 4, health: 'other', isBusy: true },
  remove_failed: { tone: 'bad', sign: '✕', urgency: 2, health: 'other' },
})
export const hostState = HOST_STATE.schema
export type HostState = z.infer<typeof hostState>
export const HOST_STATES = HOST_STATE.names

/** The state of a host, and the reason for it: the error's code, if there is one, and a message. */
export const stateShape = {
  state: hostState,
  stateCode: z.string().nullable(),
  stateReason: plainText(2000).nullable(),
  stateSince: z.iso.datetime(),
}

export const hostView = z.strictObject({
  id: uuid,
  name: hostName,
  address,
  port: z.int(),
  user: z.string(),
  labels: z.record(z.string(), z.string()),
  ...stateShape,
  /** The pinned SSH host key; null until the first connection. */
  hostKey: sshFingerprint.nullable(),
  agent: z
    .strictObject({
      port: z.int(),
      /** The port that it is being moved to; null where it stays. */
      nextPort: z.int().nullable(),
      /** The pin of the certificate that the server accepts from this agent. */
      certificatePin: spkiPin,
      /** Null until it is known. */
      version: plainText(64).nullable(),
      architecture: plainText(32).nullable(),
      installedAt: z.iso.datetime().nullable(),
      lastAnswerAt: z.iso.datetime().nullable(),
      /** Since when its token, keys and path are what they are, and when they were last rotated. */
      credentialsAt: z.iso.datetime(),
      rotatedAt: z.iso.datetime().nullable(),
    })
    .nullable(),
  /** The heartbeat profile chosen for it; null where its labels decide. */
  heartbeatProfile: z.string().nullable(),
  /** True if an agent that stays silent while SSH works is reinstalled automatically. */
  autoReinstall: z.boolean(),
  /** The latest installation or removal; its output is read like that of any command. */
  lastProvisioning: uuid.nullable(),
  createdAt: z.iso.datetime(),
})
export type HostView = z.infer<typeof hostView>

export const hostChanged = z.strictObject({
  host: hostView,
  /** The move of the agent to another port, as a command id; null where it stays. */
  commandId: uuid.nullable(),
  /** True if the agent answers at its new address; null if that was not tried. */
  isAgentAnswering: z.boolean().nullable(),
})
export type HostChanged = z.infer<typeof hostChanged>

export const hostShown = z.strictObject({
  host: hostView,
  /** The pin of the servers' certificate that the agent knows: the only caller whom it answers. */
  serverPin: spkiPin,
  /** Another host that was last found to be the same machine or a clone; its name is null for callers who may not see it. */
  sameMachineAs: z.strictObject({ name: hostName.nullable() }).nullable(),
})

export type HostShown = z.infer<typeof hostShown>

export const hostAccepted = z.strictObject({
  host: hostView,
  /** The installation or removal that was started, as a command id. */
  commandId: uuid,
})

/** The check of a host before it is added: over SSH, with the key that a person has compared. */
export const hostCheckRequest = newHost
  .pick({
    address: true,
    port: true,
    user: true,
    credential: true,
    sudoPassword: true,
    allowDuplicate: true,
    takeOver: true,
  })
  .extend({ hostKey: sshFingerprint })
export type HostCheckRequest = z.infer<typeof hostCheckRequest>

/** One thing that an installation needs of a host. */
export const hostCheck = z.strictObject({
  name: plainText(300),
  ok: z.boolean(),
  /** Null when `ok`. */
  code: z.string().nullable(),
  /** The finding and, if not `ok`, what to do. */
  message: plainText(2000),
})

export const hostChecked = z.strictObject({
  os: plainText(100),
  kernel: plainText(100),
  /** True if an agent can be installed: every check is `ok`. */
  isReady: z.boolean(),
  checks: z.array(hostCheck),
})
export type HostChecked = z.infer<typeof hostChecked>
