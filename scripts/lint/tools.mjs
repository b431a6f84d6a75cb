import { spawn } from 'node:child_process'
import { ROOT, toolEnv, UserError } from '../setup.mjs'

/** Runs a program to its end. Resolves to its exit code and all that it printed. Throws where it cannot be started or was killed. */
export function output(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: ROOT, env: toolEnv(), stdio: ['ignore', 'pipe', 'pipe'] })
    const printed = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => printed.push(data))
    child.on('error', (error) => reject(new UserError(`${program} could not be started: ${error.message}`)))
    child.on('close', (code, signal) =>
      signal === null
        ? resolve({ code, text: Buffer.concat(printed).toString() })
        : reject(new UserError(`${program} was ended by ${signal}`)),
    )
  })
}

/** Resolves to what a linter has found, null where it has found nothing. */
export async function tryTool(program, args) {
  const { code, text } = await output(program, args)
  return code === 0 ? null : text || `${program} ended with ${code}`
}

/** The files of the repository with such names, those that are not committed yet included. */
export async function filesOf(patterns) {
  const list = async (args) => (await output('git', ['ls-files', '-z', ...args, '--', ...patterns])).text
  const [known, gone] = await Promise.all([
    list(['--cached', '--others', '--exclude-standard', '--deduplicate']),
    list(['--deleted']),
  ])
  const deleted = new Set(gone.split('\0'))
  return known.split('\0').filter((file) => file !== '' && !deleted.has(file))
}
