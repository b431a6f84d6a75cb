import { readFile } from 'node:fs/promises'
import type { RegistryView } from '@rollcall/contracts/admin'
import type { Context } from '../context.ts'
import { CliError, UsageError } from '../errors.ts'
import { askSecret, readSecretFile, readSecretLine } from '../input/secret.ts'
import { collectTexts } from '../options/parsers.ts'
import { type AskingCommand, tableOr } from '../output/answers.ts'

interface Options {
  user?: string
  passwordFile?: string
  passwordStdin?: boolean
  mirror?: string[]
  plainHttp?: boolean
  ca?: string
}

const HELP = `
HOST is the registry as it stands in names of images: docker.io, registry.lan:5000. Settings replace all earlier ones of the
same registry. A registry that anybody may read needs none. The password, or a token, is stored encrypted and never shown; it
is asked for at a terminal, and never given on the command line.
A mirror is a registry that has the same images, if need be below a path, and may have settings of its own. Mirrors are asked
first, in the order given.

Examples:
  rollcall registry add registry.lan:5000 --user deploy --password-file token.txt --ca ca.pem
  rollcall registry add docker.io --mirror mirror.lan:5000/dockerhub
  pass show registry | rollcall registry add ghcr.io --user me --password-stdin`

export function addCommands(program: AskingCommand, context: Context): void {
  const { api } = context
  const registry = program.command('registry').description('manage how registries of images are reached')
  registry
    .command('list', { isDefault: true })
    .description('list the registries that have settings of their own')
    .printsAnswer(
      () => api.call('listRegistries'),
      ({ registries }) =>
        tableOr(
          'No registry has settings of its own. "rollcall registry add --help" shows what can be set.',
          ['REGISTRY', 'USER', 'MIRRORS', 'CONNECTION', 'SET BY'],
          registries.map(toRow),
        ),
    )
  registry
    .command('add <host>')
    .description('set user, mirrors and certificates of a registry')
    .option('--user <name>', 'the user to sign in as')
    .option('--password-file <file>', "file whose first line is the user's password or token")
    .option('--password-stdin', 'read the password from the first line of standard input')
    .option('--mirror <registry[/path]>', 'ask this one first; may be given again', collectTexts)
    .option('--ca <file>', "file of the authority that signed the registry's certificate, in PEM")
    .option('--plain-http', 'use HTTP: everybody on the way can read the password')
    .addHelpText('after', HELP)
    .reportsChange(
      async (host: string, options: Options) =>
        api.call('addRegistry', {
          body: {
            host,
            username: options.user ?? null,
            password: await readPassword(context, options),
            mirrors: options.mirror ?? [],
            plainHttp: options.plainHttp ?? false,
            ca: options.ca === undefined ? null : await readAuthority(options.ca),
          },
        }),
      ({ isNew }) => (isNew ? 'added' : 'changed'),
    )
  registry
    .command('remove <host>')
    .description('remove the settings of a registry, with its password; images stay')
    .reportsChange(
      (registryHost: string) => api.call('removeRegistry', { params: { registry: registryHost } }),
      () => 'removed',
    )
}

const toRow = ({ host, username, mirrors, plainHttp, hasCa, addedBy }: RegistryView) => [
  host,
  username ?? '-',
  mirrors.join(', '),
  plainHttp ? 'HTTP' : hasCa ? 'HTTPS, own authority' : 'HTTPS',
  addedBy,
]

async function readPassword(context: Context, options: Options): Promise<string | null> {
  const { user, passwordFile, passwordStdin } = options
  if (user === undefined) {
    if (passwordFile === undefined && !passwordStdin) return null
    throw new UsageError('A password needs a user: give --user.')
  }
  if (passwordFile !== undefined && passwordStdin)
    throw new UsageError('Choose one of --password-file and --password-stdin.')
  if (passwordFile !== undefined) return readSecretFile(passwordFile, '--password-file')
  if (passwordStdin) return readSecretLine(context.stdin)
  if (context.stdin.isTTY) return askSecret(context, `Password of ${user}: `)
  throw new UsageError('A user needs a password: give --password-file or --password-stdin.')
}

async function readAuthority(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: Error) => {
    throw new CliError(`--ca: cannot read ${path}: ${cause.message}.`, { cause })
  })
}
