import { allAgents } from '../api/agents.ts'
import { complete } from '../completion/complete.ts'
import { SHELLS, type Shell } from '../completion/scripts.ts'
import type { Context } from '../context.ts'
import { isExplained } from '../errors.ts'
import type { AskingCommand } from '../output/answers.ts'

const HELP = `
In this shell only:
  bash  source <(rollcall completion bash)
  zsh   source <(rollcall completion zsh)
  fish  rollcall completion fish | source

In every new shell:
  bash  rollcall completion bash > /etc/bash_completion.d/rollcall
  zsh   rollcall completion zsh > "\${fpath[1]}/_rollcall"
  fish  rollcall completion fish > ~/.config/fish/completions/rollcall.fish`

/** `loadAll` adds the commands that this start has not loaded: any of them may be what is typed. */
export function addCommands(program: AskingCommand, context: Context, loadAll: () => Promise<void>): void {
  const completion = program
    .command('completion')
    .description('print shell completion for commands, options and host names')
    .addHelpText('after', HELP)
  for (const shell of Object.keys(SHELLS) as Shell[])
    completion
      .command(shell)
      .description(`print the script for ${shell}`)
      .action(() => void context.stdout.write(SHELLS[shell]))
  completion
    .command('words', { hidden: true })
    .description('print candidates for the last word; called by the scripts')
    .argument('[words...]', 'the line so far, without the program name')
    .passThroughOptions()
    .action(async (words: string[]) => {
      await loadAll()
      await printWords(program, context, words)
    })
}

async function printWords(program: AskingCommand, context: Context, words: readonly string[]): Promise<void> {
  const candidates = await complete(program, words, () => hostNames(context))
  for (const { word, description } of candidates)
    context.stdout.write(`${word}${description === '' ? '' : `\t${description}`}\n`)
}

/** Returns the names of hosts; none if the server cannot be asked, because a shell that completes a word has no room for errors. */
async function hostNames({ api }: Context): Promise<string[]> {
  try {
    return (await allAgents(api, undefined)).map(({ host }) => host)
  } catch (error) {
    if (isExplained(error)) return []
    throw error
  }
}
