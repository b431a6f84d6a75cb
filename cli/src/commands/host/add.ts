import type { NewHostInput, SshCredential } from '@rollcall/contracts/admin'
import { UnreachableError } from '@rollcall/contracts/client'
import type { Context } from '../../context.ts'
import { UsageError } from '../../errors.ts'
import { DUPLICATE_HELP, reportStarted, TAKE_OVER_HELP, WAIT_HELP } from '../../live/provisioning.ts'
import {
  addCredentialOptions,
  type CredentialOptions,
  readCredential,
  readSudoPassword,
  typedPassword,
} from '../../options/credential-options.ts'
import { collectPairs, jsonOption, wholeNumber } from '../../options/parsers.ts'
import type { AskingCommand } from '../../output/answers.ts'

interface Options extends CredentialOptions {
  address: string
  port?: number
  user?: string
  sudoPasswordFile?: string
  hostKey?: string
  label?: Record<string, string>
  agentPort?: string
  allowDuplicate?: boolean
  takeOver?: boolean
  wait?: boolean
  json?: boolean
}

const HELP = `
Sign in with --key, or with a password: typed at the prompt, or piped in with --password-stdin. Give both for a host that asks
for a key and a password. A certificate beside the key (FILE-cert.pub) is used too, as with ssh.
Secrets are never taken from the command line, where other users of this machine could read them.

Without --host-key, the host's current SSH host key is fetched, shown and pinned. Compare it with the output of
"ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" (or another key type) on the host itself.

A machine that is in the fleet already, under another name or as a clone (same SSH host key or machine id), is refused, and so
is one whose agent belongs to another host or server. --allow-duplicate and --take-over override this.

${WAIT_HELP}

Examples:
  rollcall host add demo-1 --address 192.0.2.10 --key ~/.ssh/id_ed25519 --wait
  rollcall host add demo-2 --address demo-2.example.net --user admin --label env=prod --label rack=b4
  pass show demo-3 | rollcall host add demo-3 --address 2001:db8::3 --password-stdin --host-key SHA256:…`

export function addHostAddCommand(host: AskingCommand, context: Context): void {
  const command = host
    .command('add <name>')
    .description('add a host and install its agent')
    .requiredOption('--address <address>', 'DNS name or IP address')
    .option('--port <port>', 'SSH port (default: 22)', wholeNumber(1, 65_535))
    .option('--user <user>', 'SSH user (default: root)')
  addCredentialOptions(command)
    .option('--sudo-password-file <file>', 'file whose first line is the sudo password')
    .option('--host-key <fingerprint>', 'the expected SSH host key, as SHA256:…')
    .option('--label <key=value>', 'a label; may be given again', collectPairs)
    .option('--agent-port <port|range>', 'port of the agent: 7000, or any of 7000-7100')
    .option('--allow-duplicate', DUPLICATE_HELP)
    .option('--take-over', TAKE_OVER_HELP)
    .option('--wait', 'show the installation until it has ended')
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((name: string, options: Options) => add(context, name, options))
}

async function add(context: Context, name: string, options: Options): Promise<void> {
  const { address, port, user, label: labels } = options
  const target = { address, port }
  const body: NewHostInput = {
    name,
    ...target,
    user,
    labels,
    agentPorts: options.agentPort,
    allowDuplicate: options.allowDuplicate,
    takeOver: options.takeOver,
    credential: await toCredential(context, options),
    sudoPassword: await readSudoPassword(options.sudoPasswordFile),
    hostKey: options.hostKey ?? (await firstContact(context, target)),
  }
  const answer = await context.api.call('addHost', { body }).catch((error) => {
    if (error instanceof UnreachableError)
      context.notice(`it may have been added; check with: rollcall host show ${name}`)
    throw error
  })
  await reportStarted(context, options, { kind: 'installation', host: answer.host.name, answer })
}

async function toCredential(context: Context, options: Options): Promise<SshCredential> {
  const account = `${options.user ?? 'root'}@${options.address}`
  const type = context.stdin.isTTY ? () => typedPassword(context, account) : undefined
  const credential = await readCredential(context, options, type)
  if (credential) return credential
  throw new UsageError(
    'Say how to sign in: --key FILE, or --password-stdin with the password on standard input.',
  )
}

/** Returns the fingerprint that the host shows now. It is sent with the request, so that what was shown is what is pinned. */
async function firstContact(context: Context, target: { address: string; port?: number }): Promise<string> {
  const { fingerprint, algorithm } = await context.api.call('scanHostKey', { body: target })
  context.notice(`first contact: pinning ${algorithm} ${fingerprint}`)
  return fingerprint
}
