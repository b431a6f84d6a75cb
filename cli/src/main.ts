import { CommanderError } from 'commander'
import { type Context, toContext } from './context.ts'
import { InterruptedError, renderError, toErrorExitCode, WRONG_USAGE } from './errors.ts'
import { flushed } from './output/sink.ts'
import { buildProgram } from './program.ts'

/** 128 + SIGPIPE, as for any program whose reader went away. */
const READER_GONE = 141
/** Put in by the bundler, from package.json. */
declare const ROLLCALL_VERSION: string

const context = toContext(process)
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? READER_GONE : 1)
  })

void main(context).then(async (exitCode) => {
  await flushed(process.stdout, process.stderr)
  // Standard input may still be open, and nobody reads it any more.
  process.exit(exitCode)
})

async function main(context: Context): Promise<number> {
  try {
    const args = process.argv.slice(2)
    const program = await buildProgram(context, ROLLCALL_VERSION, args)
    await program.parseAsync(args, { from: 'user' })
    return context.exitCode
  } catch (error) {
    if (error instanceof InterruptedError) return error.exitCode
    // Commander has said it already; help that was asked for is no error, help for want of a command is.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE
    context.stderr.write(renderError(error, context.env.ROLLCALL_DEBUG === '1'))
    return toErrorExitCode(error)
  }
}
