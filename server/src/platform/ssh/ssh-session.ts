import type { SshCredential } from '@rollcall/contracts/admin'
import type { OutgoingAddresses } from '../network/outgoing-addresses.ts'
import type { HostKey } from './host-key.ts'

/** Milliseconds. */
export interface SshTimeouts {
  /** Until TCP is connected, for each attempt. */
  connectMs: number
  /** From there until signed in, the host key's acceptance included. */
  handshakeMs: number
  /** Between two keepalives; the third that stays unanswered ends the session. */
  keepaliveMs: number
}

export const DEFAULT_SSH_TIMEOUTS: SshTimeouts = {
  connectMs: 10_000,
  handshakeMs: 20_000,
  keepaliveMs: 5_000,
}

export interface SshTarget {
  /** A DNS name or an IP address; IPv6 without brackets. */
  address: string
  port: number
  user: string
  credential: SshCredential
  /** For `becomeRoot`, when sudo asks for one; the SSH password is tried when this is missing. */
  sudoPassword?: string | undefined
  /** The trusted host key's fingerprint, `SHA256:…`; null to ask `onHostKey`. */
  pinnedHostKey: string | null
  /** Which addresses may be connected to; by default neither loopback nor link-local ones. */
  outgoing?: OutgoingAddresses
}

export interface ConnectOptions extends SshTarget {
  /**
   * Asked when nothing is pinned, once the host has proved that it holds this key and before any credential is sent:
   * the caller stores the pin. When it throws, the connection ends with that error.
   */
  onHostKey: (fingerprint: string, algorithm: string) => Promise<void>
  /** Ends the connection, and everything on it, at any time. */
  signal: AbortSignal
  timeouts?: Partial<SshTimeouts>
}

export type OutputStream = 'stdout' | 'stderr'

export interface SshExecOptions {
  /** Written to standard input, which is then closed. */
  stdin?: string | Buffer
  /** Leaves standard input open until the program ends, so that it notices by its end when we are gone. */
  isStdinHeldOpen?: boolean
  /** Closes a standard input that is held open. The program has 20 s then to end, and is given up after that. */
  endInput?: AbortSignal
  /** Called in order, never twice at a time; the host is not read from until the returned promise settles. */
  onOutput?: (stream: OutputStream, data: Buffer) => void | Promise<void>
  signal?: AbortSignal
  /** Until the program is told to end (TERM) and given up. 60 s by default. */
  timeoutMs?: number
  /** Runs as uid 0, through sudo where the user is somebody else. */
  becomeRoot?: boolean
}

/** How a program ended. A non-zero exit is a result, not an error. */
export interface SshExecResult {
  exitCode: number | null
  /** Without its SIG, as SSH names it; null for a program that exited. */
  signal: string | null
}

export interface PutFileOptions {
  /** Permission bits of the new file, whatever the host's umask. */
  mode: number
  /** Called as bytes are acknowledged by the host. */
  onProgress?: (sentBytes: number, totalBytes: number) => void
  signal?: AbortSignal
}

export type FileSent = { by: 'sftp' } | { by: 'shell'; why: string }

export interface SshShellOptions {
  columns: number
  rows: number
  /** The kind of terminal, such as `xterm-256color`. */
  term: string
  /** Called in order, never twice at a time; the host is not read from until the returned promise settles. */
  onOutput: (data: Buffer) => Promise<void>
  /** Ends the shell. */
  signal: AbortSignal
}

/** A shell on a terminal. Its terminal has one stream. */
export interface SshShell {
  /** When all of its output was taken. Fails with the reason of `signal`, or with `ssh.connection_lost`. */
  ended: Promise<SshExecResult>
  write(data: Buffer): void
  resize(columns: number, rows: number): void
}

/**
 * A signed-in SSH connection. Calls take their turns, one channel at a time, since a host may allow no more. Every call fails with `ssh.connection_lost` once it has broken; a host that is gone
 * without a word is noticed after 15 to 20 seconds.
 */
export interface SshSession extends AsyncDisposable {
  readonly hostKey: HostKey
  /** Runs a program and waits for its end and all of its output. Errors: `ssh.connection_lost`, and those of `ensureRoot` with `becomeRoot`. */
  exec(argv: readonly string[], options?: SshExecOptions): Promise<SshExecResult>
  /**
   * Finds out, once, how to be root here. Errors: `host.no_sudo`, `host.sudo_password_wrong`.
   * The password travels on sudo's standard input, and no program but sudo gets it.
   */
  ensureRoot(): Promise<RootAccess>
  /**
   * Writes a local file (by path) or a buffer to the host: under a temporary name beside `remotePath`, then renamed over
   * it, so that the name never shows half a file. By SFTP; where that does not work, through a shell, and the result says why.
   * Errors: `ssh.transfer_failed`, `host.no_disk`, `host.read_only`, `ssh.connection_lost`, and those of `exec`.
   */
  putFile(source: string | Buffer, remotePath: string, options: PutFileOptions): Promise<FileSent>
  /** Opens the login shell of the user who is signed in. Errors: `ssh.connection_lost`. */
  openShell(options: SshShellOptions): Promise<SshShell>
  /** Ends the connection. Safe to repeat. */
  close(): Promise<void>
}

/** How a session becomes root: it is root, sudo lets it, or sudo asks for a password; `hasTerminal` where sudo runs from a terminal only. */
export type RootAccess =
  | { by: 'login' }
  | { by: 'sudo'; hasTerminal?: true }
  | { by: 'sudo-with-password'; password: string; hasTerminal?: true }
