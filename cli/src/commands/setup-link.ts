import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { toDataDir } from '../api/find-server.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import type { AskingCommand } from '../output/answers.ts'

export function addCommands(program: AskingCommand, context: Context): void {
  program
    .command('setup-link')
    .description(
      'print the link that creates the first admin; run it on the machine of a server without users',
    )
    .action(async () => {
      const file = join(toDataDir(context.env), 'setup-link')
      const link = await readFile(file, 'utf8').catch((cause) => {
        throw new CliError(
          `${file} cannot be read: ${(cause as Error).message}. A server writes it when it starts without users.`,
        )
      })
      context.stdout.write(link)
    })
}
