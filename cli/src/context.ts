import type { ReadStream, WriteStream } from 'node:tty'
import { sanitizeText } from '@rollcall/contracts'
import { type Client, createClient } from './api/client.ts'
import { findServer, type ServerAddress } from './api/find-server.ts'

/** What every command needs of the world around it. */
export interface Context {
  env: NodeJS.ProcessEnv
  stdin: ReadStream
  stdout: WriteStream
  stderr: WriteStream
  /** Looks again at every call, because a restarted server may listen elsewhere. */
  find(): Promise<ServerAddress>
  api: Client
  /** One line of our own on stderr, marked as ours and made harmless. */
  notice(text: string): void
  /** What the process exits with when the command has done its work. */
  exitCode: number
}

export function toContext(process: NodeJS.Process): Context {
  const { env } = process
  // These may be files or pipes; what only terminals have is used after asking for `isTTY`.
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
