import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { jsonOption } from '../options/parsers.ts'
import { jsonDocument } from './json.ts'
import { table } from './table.ts'

// biome-ignore lint/suspicious/noExplicitAny: commander does not type operands and options; each command declares its own
type Given = any[]

/** Completes a command that prints an answer of the server: as text, or as JSON with --json. Callbacks get operands, then options. */
export const printsAnswer = <Answer extends object>(
  command: Command,
  { stdout }: Pick<Context, 'stdout'>,
  ask: (...given: Given) => Promise<Answer>,
  toText: (answer: Answer, ...given: Given) => string,
): Command => answers(command, stdout, ask, (answer, given) => void stdout.write(toText(answer, ...given)))

/** Completes a command that changes something: it says so on stderr, or prints the answer as JSON with --json. */
export const reportsChange = <Answer extends object>(
  command: Command,
  { stdout, notice }: Pick<Context, 'stdout' | 'notice'>,
  ask: (...given: Given) => Promise<Answer>,
  toNotice: (answer: Answer) => string,
): Command => answers(command, stdout, ask, (answer) => notice(toNotice(answer)))

function answers<Answer>(
  command: Command,
  stdout: Context['stdout'],
  ask: (...given: Given) => Promise<Answer>,
  show: (answer: Answer, given: Given) => void,
): Command {
  return command.addOption(jsonOption()).action(async (...given: Given) => {
    const answer = await ask(...given)
    if (command.optsWithGlobals().json) stdout.write(jsonDocument(answer))
    else show(answer, given)
  })
}

/** Returns a table, or `empty` on a line of its own if there are no rows. */
export const tableOr = (
  empty: string,
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string => (rows.length === 0 ? `${empty}\n` : table(header, rows))
