import type { HostReachChange } from '@rollcall/contracts/admin'
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { UsageError } from '../errors.ts'
import { DUPLICATE_HELP } from '../live/provisioning.ts'
import {
  addCredentialOptions,
  type CredentialOptions,
  readCredential,
  readSudoPassword,
  typedPassword,
} from './credential-options.ts'
import { wholeNumber } from './parsers.ts'

export interface ReachOptions extends CredentialOptions {
  address?: string
  port?: number
  user?: string
  askPassword?: boolean
  sudoPasswordFile?: string
  /** False for --no-sudo-password. */
  sudoPassword: boolean
  hostKey?: string
  agentPort?: string
  allowDuplicate?: boolean
  /** False for --no-check. */
  check: boolean
}

/** Adds the options that change how a host is reached. */
export function addReachOptions(command: Command): void {
  command
    .option('--address <address>', 'DNS name or IP address')
    .option('--port <port>', 'SSH port', wholeNumber(1, 65_535))
    .option('--user <user>', 'SSH user')
  addCredentialOptions(command)
    .option('--ask-password', 'prompt for the SSH password')
    .option('--sudo-password-file <file>', 'file whose first line is the sudo password')
    .option('--no-sudo-password', 'remove its own sudo password')
    .option('--host-key <fingerprint>', "the host's new SSH host key, as SHA256:…")
    .option('--agent-port <port|range>', 'port of the agent: 7000, or any of 7000-7100')
    .option('--allow-duplicate', DUPLICATE_HELP)
    .option('--no-check', 'do not test it first: for a host that cannot be reached now')
}

/** Returns how the host is to be reached, as far as the options say. */
export async function readReach(
  context: Context,
  name: string,
  options: ReachOptions,
): Promise<HostReachChange> {
  const { address, port, user, hostKey, agentPort: agentPorts, allowDuplicate } = options
  const credential = await toCredential(context, name, options)
  const sudoPassword = await toSudoPassword(options)
  const skipCheck = options.check ? undefined : true
  return { address, port, user, credential, sudoPassword, hostKey, agentPorts, allowDuplicate, skipCheck }
}

function toCredential(context: Context, name: string, options: ReachOptions) {
  if (!options.askPassword) return readCredential(context, options)
  if (options.passwordStdin) throw new UsageError('Give either --password-stdin or --ask-password, not both.')
  if (!context.stdin.isTTY)
    throw new UsageError(
      '--ask-password needs a terminal; otherwise pipe the password in with --password-stdin.',
    )
  const account = options.user ? `${options.user} on ${name}` : name
  return readCredential(context, { ...options, passwordStdin: true }, () => typedPassword(context, account))
}

async function toSudoPassword({ sudoPassword, sudoPasswordFile }: ReachOptions) {
  if (sudoPassword) return readSudoPassword(sudoPasswordFile)
  if (sudoPasswordFile === undefined) return null
  throw new UsageError('Give either --sudo-password-file or --no-sudo-password, not both.')
}
