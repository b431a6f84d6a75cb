import type { ReadStream, WriteStream } from 'node:tty'
import { sanitizeText } from '@rollcall/contracts'
import { type Client, createClient } from './api/client.ts'
import { findServer, type ServerAddress } from './api/find-server.ts'

/** The environment of a command. */
export interface Context {
  env: NodeJS.ProcessEnv
  stdin: ReadStream
  stdout: WriteStream
  stderr: WriteStream
  /** Finds the server again at every call, because a restarted one may listen elsewhere. */
  find(): Promise<ServerAddress>
  api: Client
  /** Prints one line on stderr, prefixed with the program's name and made harmless. */
  notice(text: string): void
  /** The exit code of the process if no error is thrown. */
  exitCode: number
}

export function toContext(process: NodeJS.Process): Context {
  const { env } = process
  // These may be files or pipes: check `isTTY` before using what only terminals have.
  const stdin = process.stdin as ReadStream
  const stderr = process.stderr as WriteStream
  const find = () => findServer(env)
  return {
    env,
    stdin,
    stdout: process.stdout as WriteStream,
    stderr,
    find,
    api: createClient(find),
    notice: (text) =>
      void stderr.write(`rollcall: ${sanitizeText(text, 4000)}${stdin.isRaw ? '\r\n' : '\n'}`),
    exitCode: 0,
  }
}
