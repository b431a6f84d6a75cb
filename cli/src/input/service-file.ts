import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, resolve } from 'node:path'
import type { ReadServices } from '@rollcall/compose'
import { CliError } from '../errors.ts'

export interface ServiceFileOptions {
  dotenv?: string[]
  set?: Record<string, string>
  env?: Record<string, string>
}

/** More is not read of any file: the reader refuses whatever is longer. */
const MAX_READ_BYTES = 1024 * 1024 + 1

/** A Compose file with all that is needed to read it elsewhere. */
export interface ServiceFile {
  text: string
  variables: Record<string, string>
  /** The files that it names, by the path that stands in it. */
  files: { path: string; text: string }[]
}

/** Reads a Compose file, `-` for standard input, with its variables and the files that it names. Throws `CliError` where one cannot be read. */
export async function readServiceFile(
  stdin: NodeJS.ReadableStream,
  file: string,
  options: ServiceFileOptions,
): Promise<ReadServices> {
  return (await collect(stdin, file, options)).read
}

/** Collects a Compose file for the server. Of the variables it has those that the file and the files that it names refer to. */
export async function collectServiceFile(
  stdin: NodeJS.ReadableStream,
  file: string,
  options: ServiceFileOptions,
): Promise<ServiceFile> {
  const { text, variables, files } = await collect(stdin, file, options)
  const texts = [text, ...files.values()]
  const isNamed = (name: string) =>
    texts.some((each) => each.includes(`$${name}`) || each.includes(`\${${name}`))
  return {
    text,
    variables: Object.fromEntries(Object.entries(variables).filter(([name]) => isNamed(name))),
    files: [...files].map(([path, content]) => ({ path, text: content })),
  }
}

async function collect(stdin: NodeJS.ReadableStream, file: string, options: ServiceFileOptions) {
  const { readServices } = await import('@rollcall/compose')
  const text = file === '-' ? await readStart(stdin) : readNamed(file)
  const folder = file === '-' ? process.cwd() : dirname(resolve(file))
  const variables = await readVariables(folder, options)
  const files = new Map<string, string>()
  const readFile = (path: string) => {
    const content = readBeside(folder, path)
    if (content !== undefined) files.set(path, content)
    return content
  }
  return { text, variables, files, read: readServices(text, variables, { readFile }) }
}

/** Returns all variables: those of the command line win over env files. Throws `CliError` for an env file with a fault. */
async function readVariables(
  folder: string,
  { dotenv, set, env }: ServiceFileOptions,
): Promise<Record<string, string>> {
  const { readEnvFile } = await import('@rollcall/compose')
  const given = new Map(Object.entries({ ...env, ...set }))
  const found = new Map<string, string>()
  const texts = dotenv
    ? dotenv.map((file) => ({ file, text: readNamed(file) }))
    : [{ file: '.env', text: readBeside(folder, '.env') ?? '' }]
  for (const { file, text } of texts) {
    const { variables, faults } = readEnvFile(text, { lookup: (name) => given.get(name) ?? found.get(name) })
    const [first] = faults
    if (first) throw new CliError(`Line ${first.line} of ${file} ${first.reason}: ${first.instead}.`)
    for (const [name, value] of variables) found.set(name, value)
  }
  return Object.fromEntries([...found, ...given])
}

function readNamed(file: string): string {
  try {
    return readBounded(file)
  } catch (cause) {
    throw new CliError(`Cannot read ${file}: ${(cause as Error).message}.`, { cause })
  }
}

/** Reads a file that the Compose file names, relative to its folder. Returns undefined if it cannot be read. */
function readBeside(folder: string, path: string): string | undefined {
  try {
    return readBounded(resolve(folder, path.replace(/^~(?=\/|$)/, homedir())))
  } catch {
    // The reader says where it is named, and what to do.
    return undefined
  }
}

function readBounded(path: string): string {
  const descriptor = openSync(path, 'r')
  try {
    if (fstatSync(descriptor).isDirectory()) throw new Error('it is a folder')
    const buffer = Buffer.alloc(MAX_READ_BYTES)
    let length = 0
    for (;;) {
      const count = readSync(descriptor, buffer, length, MAX_READ_BYTES - length, null)
      length += count
      if (count === 0 || length === MAX_READ_BYTES) return buffer.toString('utf8', 0, length)
    }
  } finally {
    closeSync(descriptor)
  }
}

async function readStart(stream: NodeJS.ReadableStream): Promise<string> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of stream) {
    pieces.push(Buffer.from(piece))
    length += piece.length
    if (length >= MAX_READ_BYTES) break
  }
  return Buffer.concat(pieces).toString()
}
