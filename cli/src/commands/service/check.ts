import type { Context } from '../../context.ts'
import { CliError } from '../../errors.ts'
import { readServiceFile, type ServiceFileOptions } from '../../input/service-file.ts'
import { jsonOption } from '../../options/parsers.ts'
import type { AskingCommand } from '../../output/answers.ts'
import { jsonDocument } from '../../output/json.ts'
import { serviceReport } from '../../output/service-report.ts'
import { addVariableOptions } from './file-options.ts'

interface Options extends ServiceFileOptions {
  json?: boolean
}

const HELP = `
FILE is a Compose file; "-" is standard input. No server is needed, and nothing is changed.
Every key is taken, taken otherwise than Compose does (and the report says how), or refused with what to write instead.

\${NAME} in FILE is taken from --set, then from --env, then from the env files: .env beside FILE, or those given by --dotenv.
A variable without a value and without a default is an error.

Exit codes: 0 if FILE can be used, 1 if it is refused, 2 for an invalid command line.

Examples:
  rollcall service check compose.yml
  rollcall service check compose.yml --set TAG=2.4 --env DB_PASSWORD
  rollcall service check - --json < compose.yml`

export function addServiceCheckCommand(service: AskingCommand, context: Context): void {
  addVariableOptions(
    service
      .command('check <file>')
      .description('show what is taken from a Compose file, what is taken otherwise, and what is refused'),
    context,
  )
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((file: string, options: Options) => checkFile(context, file, options))
}

async function checkFile({ stdin, stdout }: Context, file: string, options: Options): Promise<void> {
  const read = await readServiceFile(stdin, file, options)
  stdout.write(options.json ? jsonDocument(toDocument(read)) : serviceReport(read))
  const { faults } = read
  const [first] = faults
  if (first)
    throw new CliError(
      `${file} is refused: ${faults.length === 1 ? 'one fault' : `${faults.length} faults`}, listed above.`,
      { code: first.code },
    )
}

/** Absent is not the same as null in JSON: a refused file has no spec. */
const toDocument = ({ spec, faults, keys }: Awaited<ReturnType<typeof readServiceFile>>) => ({
  spec: spec ?? null,
  faults,
  keys,
})
