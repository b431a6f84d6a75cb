import type { NewServicePlanInput } from '@rollcall/contracts/admin'
import type { Context } from '../../context.ts'
import { collectServiceFile, type ServiceFileOptions } from '../../input/service-file.ts'
import { collectEnvironment, collectNames, collectPairs, collectTexts } from '../../options/parsers.ts'
import type { AskingCommand } from '../../output/answers.ts'

export interface PlanOptions extends ServiceFileOptions {
  project?: string
  prune?: boolean
  withVolumes?: string[]
  newerImages?: boolean
}

/** Adds the options by which a file gets its variables. */
export const addVariableOptions = (command: AskingCommand, context: Context): AskingCommand =>
  command
    // Node takes --env-file for itself, wherever it stands.
    .option('--dotenv <file>', 'env file in place of .env; may be given again', collectTexts)
    .option('--set <name=value>', 'a variable; may be given again', collectPairs)
    .option(
      '--env <name>',
      'a variable from your environment; may be given again',
      collectEnvironment(context.env),
    )

/** Adds the options of whatever plans a file. */
export const addPlanOptions = (command: AskingCommand, context: Context): AskingCommand =>
  addVariableOptions(command, context)
    .option('--project <name>', 'the project, in place of the name in the file')
    .option('--prune', 'remove services of the project that are not in the file; their volumes stay')
    .option(
      '--with-volumes <names>',
      'volumes of removed services that go too, by their names on hosts',
      collectNames,
    )
    .option('--newer-images', 'take what the tags of images that hosts pull stand for by now')

/** Reads a file and what it names, for the server to plan. */
export async function toPlanRequest(
  { stdin }: Context,
  file: string,
  options: PlanOptions,
): Promise<NewServicePlanInput> {
  const { project, prune = false, withVolumes, newerImages = false } = options
  return {
    ...(await collectServiceFile(stdin, file, options)),
    ...(project !== undefined && { project }),
    prune,
    ...(withVolumes !== undefined && { removedVolumes: withVolumes }),
    ...(newerImages && { newerImages }),
  }
}
