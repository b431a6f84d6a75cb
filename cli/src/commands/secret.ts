import type { SecretView } from '@rollcall/contracts/admin'
import type { Context } from '../context.ts'
import { readSecretValue } from '../input/secret-value.ts'
import { type AskingCommand, tableOr } from '../output/answers.ts'
import { fieldList, table } from '../output/table.ts'

const SET_HELP = `
The value is read from standard input or from --file, byte for byte, and never from the command line, which others
on this machine can see. At a terminal it is asked for. Services get it as the file /run/secrets/NAME.

Examples:
  openssl rand -hex 24 | tr -d '\\n' | rollcall secret set db_password
  rollcall secret set tls_key --file ./shop.key`

export function addCommands(program: AskingCommand, context: Context): void {
  const { api } = context
  const secret = program.command('secret').description('manage secrets of services')
  secret
    .command('list', { isDefault: true })
    .description('list secrets by name; no command shows a value')
    .printsAnswer(
      () => api.call('listSecrets'),
      ({ secrets }) =>
        tableOr(
          'There are no secrets yet. "rollcall secret set --help" shows how to set one.',
          ['NAME', 'VERSION', 'BYTES', 'SET', 'USED BY'],
          secrets.map(toRow),
        ),
    )
  secret
    .command('show <name>')
    .description('show a secret and its versions, without their values')
    .printsAnswer(
      (name: string) => api.call('showSecret', { params: { name } }),
      ({ secret: { name, createdAt, createdBy }, versions }) =>
        fieldList([
          ['Name', name],
          ['Created', `${createdAt} by ${createdBy}`],
        ]) +
        table(
          ['VERSION', 'BYTES', 'SET', 'BY', 'USED BY'],
          versions.map((each) => [
            String(each.version),
            String(each.bytes),
            each.createdAt,
            each.createdBy,
            each.usedBy.join(', '),
          ]),
        ),
    )
  secret
    .command('set <name>')
    .description('set the value of a secret, as a new version')
    .option('--file <path>', 'read the value from this file')
    .addHelpText('after', SET_HELP)
    .reportsChange(
      async (name: string, { file }: { file?: string }) => {
        const value = await readSecretValue(context, name, file)
        if (value.at(-1) === 0x0a)
          context.notice('the value ends with a line break, which is part of it; printf %s gives none')
        return api.call('setSecret', { body: { name, data: value.toString('base64') } })
      },
      ({ secret: { name, version, bytes }, isChanged }) =>
        isChanged
          ? `${name} is set: version ${version}, ${bytes} bytes`
          : `${name} has this value already: version ${version}`,
    )
  secret
    .command('remove <name>')
    .description('remove a secret with all versions; refused while a service uses it')
    .reportsChange(
      (name: string) => api.call('removeSecret', { params: { name } }),
      () => 'removed',
    )
}

const toRow = ({ name, version, bytes, updatedAt, usedBy }: SecretView) => [
  name,
  String(version),
  String(bytes),
  updatedAt,
  usedBy.join(', '),
]
