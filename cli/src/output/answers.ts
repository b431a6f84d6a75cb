import { Command } from 'commander'
import type { Context } from '../context.ts'
import { jsonOption } from '../options/parsers.ts'
import { jsonDocument } from './json.ts'
import { type Rows, table } from './table.ts'

// biome-ignore lint/suspicious/noExplicitAny: commander does not type operands and options; each command declares its own
type Given = any[]
type Ask<Answer> = (...given: Given) => Promise<Answer>

/** A command that can ask the server; --json prints its answer. Callbacks get operands, then options. */
export class AskingCommand extends Command {
  constructor(
    private readonly context: Context,
    name?: string,
  ) {
    super(name)
  }

  override createCommand(name?: string): AskingCommand {
    return new AskingCommand(this.context, name)
  }

  /** Completes a command that shows an answer in a way of its own. */
  showsAnswer<Answer extends object>(
    ask: Ask<Answer>,
    show: (answer: Answer, ...given: Given) => unknown,
  ): this {
    return this.addOption(jsonOption()).action(async (...given: Given) => {
      const answer = await ask(...given)
      if (this.optsWithGlobals().json) this.context.stdout.write(jsonDocument(answer))
      else await show(answer, ...given)
    })
  }

  /** Completes a command that prints an answer as text. */
  printsAnswer<Answer extends object>(
    ask: Ask<Answer>,
    toText: (answer: Answer, ...given: Given) => string | Promise<string>,
  ): this {
    return this.showsAnswer(ask, async (...shown) => this.context.stdout.write(await toText(...shown)))
  }

  /** Completes a command that changes something, which it says on stderr. */
  reportsChange<Answer extends object>(ask: Ask<Answer>, toNotice: (answer: Answer) => string): this {
    return this.showsAnswer(ask, (answer) => this.context.notice(toNotice(answer)))
  }
}

/** Returns a table, or `empty` on a line of its own if there are no rows. */
export const tableOr = (empty: string, header: readonly string[], rows: Rows): string =>
  rows.length === 0 ? `${empty}\n` : table(header, rows)
