import { z } from 'zod'
import { base64Url, spkiPin, uuid } from '../text.ts'
import { credentialSet, rpcPath } from './credentials.ts'

/** Where the agent lives on a host. The server's playbooks and the agent agree on nothing else. */
export const AGENT_PATHS = {
  config: '/etc/rollcall-agent/config.json',
  certificate: '/etc/rollcall-agent/ssl/agent.crt',
  privateKey: '/etc/rollcall-agent/ssl/agent.key',
  program: '/opt/rollcall-agent',
  tools: '/opt/rollcall-tools',
  /** With a folder for each collection of playbooks, and in that one for each version. */
  collections: '/opt/rollcall-tools/collections',
  state: '/var/lib/rollcall-agent',
  runtime: '/run/rollcall-agent',
} as const

/** Where a version of users' own playbooks is on a host. */
export const collectionFolder = ({ name, version }: { name: string; version: string }) =>
  `${AGENT_PATHS.collections}/${name}/${version}`

const positive = (max: number) => z.int().min(1).max(max)

/** Bounds under which an agent sheds load instead of dying. All have defaults, so a config need not name them. */
export const agentLimits = z.strictObject({
  /** Commands running at once; a further one is refused as `agent.overloaded`. */
  running_commands: positive(1000).default(64),
  /** Open sockets; a further one is closed before its handshake. */
  connections: positive(10_000).default(128),
  /** Calls being worked on at once, those included that wait for news; a further one is refused as `agent.overloaded`. */
  calls: positive(10_000).default(256),
  /** Bytes of one request; of all that are coming in at once, eight times as many. */
  request_bytes: positive(64 * 1024 * 1024).default(2 * 1024 * 1024),
  /** Bytes of unacknowledged output kept for one command; what a program writes beyond is cut and marked. */
  spool_bytes_per_command: positive(1024 ** 4).default(2 * 1024 ** 3),
  /** Bytes of unacknowledged output kept for all commands together. */
  spool_bytes_total: positive(1024 ** 4).default(4 * 1024 ** 3),
  /** Bytes of the disk that the spool leaves free for the host itself. */
  spool_bytes_left_free: z
    .int()
    .min(0)
    .max(1024 ** 4)
    .default(256 * 1024 ** 2),
})
export type AgentLimits = z.infer<typeof agentLimits>

/** `/etc/rollcall-agent/config.json`, mode 600. The server assigns every value; the agent invents none. */
export const agentConfig = z.strictObject({
  agent_token: base64Url(32, 128),
  secret_key: base64Url(32, 128),
  rpc_port: z.int().min(1).max(65_535),
  rpc_path: rpcPath,
  /** Servers that may call: at least one, since an empty list must never mean "anyone". */
  server_pins: z.array(spkiPin).min(1).max(8),
  /**
   * Refuses requests without a signature. Configurations of earlier servers do not have it, and are called
   * without; whoever signs is checked in any case.
   */
  require_signatures: z.boolean().default(false),
  limits: agentLimits.prefault({}),
  /** A second set of credentials, accepted beside the first until it is committed. Written by the agent, as are the next two. */
  staged: z.strictObject({ rotation_id: uuid, credentials: credentialSet }).optional(),
  /** The last rotation that was committed. */
  committed_rotation: uuid.optional(),
  /** Counts in place of the files of certificate and key, until it has been written there. */
  placing: credentialSet.pick({ certificate: true, private_key: true }).optional(),
})
export type AgentConfig = z.infer<typeof agentConfig>
export type AgentConfigInput = z.input<typeof agentConfig>
