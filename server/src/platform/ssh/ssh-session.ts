import type { SshCredential } from '@rollcall/contracts/admin'
import type { OutgoingAddresses } from '../network/outgoing-addresses.ts'
import type { HostKey } from './host-key.ts'

/** Timeouts in milliseconds. */
export interface SshTimeouts {
  /** The time for each TCP connection attempt. */
  connectMs: number
  /** The time from there to the completed sign-in, including the acceptance of the host key. */
  handshakeMs: number
  /** The interval between keepalives; the third without a response ends the session. */
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
  /** The sudo password for `becomeRoot`; the SSH password is tried if it is missing. */
  sudoPassword?: string | undefined
  /** The trusted host key's fingerprint, `SHA256:…`; null calls `onHostKey`. */
  pinnedHostKey: string | null
  /** The allowed addresses; by default neither loopback nor link-local. */
  outgoing?: OutgoingAddresses
}

export interface ConnectOptions extends SshTarget {
  /**
   * Stores the pin. Called if none is pinned, once the host has proved its key and before any credential is sent; an
   * error ends the connection.
   */
  onHostKey: (fingerprint: string, algorithm: string) => Promise<void>
  /** Ends the connection and everything on it. */
  signal: AbortSignal
  timeouts?: Partial<SshTimeouts>
}

export type OutputStream = 'stdout' | 'stderr'

export interface SshExecOptions {
  /** Written to standard input, which is then closed. */
  stdin?: string | Buffer
  /** Leaves standard input open until the program ends, so that the program notices a lost connection. */
  isStdinHeldOpen?: boolean
  /** Closes a standard input held open; after another 20 s the program is given up. */
  endInput?: AbortSignal
  /** Receives output in order. Calls are sequential, and reading pauses until the promise settles. */
  onOutput?: (stream: OutputStream, data: Buffer) => void | Promise<void>
  signal?: AbortSignal
  /** The time until the program is terminated (TERM) and given up; 60 s by default. */
  timeoutMs?: number
  /** Runs as uid 0, with sudo if the user is not root. */
  becomeRoot?: boolean
}

/** The result of a program. A non-zero exit is a result, not an error. */
export interface SshExecResult {
  exitCode: number | null
  /** The signal name without SIG; null for a program that exited. */
  signal: string | null
}

export interface PutFileOptions {
  /** Permission bits of the new file, regardless of the host's umask. */
  mode: number
  /** Called as the host acknowledges bytes. */
  onProgress?: (sentBytes: number, totalBytes: number) => void
  signal?: AbortSignal
}

export type FileSent = { by: 'sftp' } | { by: 'shell'; why: string }

export interface SshShellOptions {
  columns: number
  rows: number
  /** The kind of terminal, such as `xterm-256color`. */
  term: string
  /** Receives output in order. Calls are sequential, and reading pauses until the promise settles. */
  onOutput: (data: Buffer) => Promise<void>
  /** Ends the shell. */
  signal: AbortSignal
}

/** A shell on a terminal, which has a single stream. */
export interface SshShell {
  /** Resolves once all output was consumed. Rejects with the reason of `signal` or with `ssh.connection_lost`. */
  ended: Promise<SshExecResult>
  write(data: Buffer): void
  resize(columns: number, rows: number): void
}

/**
 * A signed-in SSH connection that runs one channel at a time, because a host may allow no more. Calls fail with
 * `ssh.connection_lost` once it is broken, which is detected within 15 to 20 seconds.
 */
export interface SshSession extends AsyncDisposable {
  readonly hostKey: HostKey
  /**
   * Runs a program and waits for its end and all of its output. Throws `ssh.connection_lost`, and with `becomeRoot`
   * what `ensureRoot` throws.
   */
  exec(argv: readonly string[], options?: SshExecOptions): Promise<SshExecResult>
  /**
   * Finds out once how to become root; the password goes only to sudo's standard input. Throws `host.no_sudo` or
   * `host.sudo_password_wrong`.
   */
  ensureRoot(): Promise<RootAccess>
  /**
   * Uploads a local file or a buffer atomically, over SFTP or, if that does not work, a shell; the result says which
   * and why. Throws `ssh.transfer_failed`, `host.no_disk`, `host.read_only`, `ssh.connection_lost`, or what `exec`
   * throws.
   */
  putFile(source: string | Buffer, remotePath: string, options: PutFileOptions): Promise<FileSent>
  /** Opens the login shell of the user. Throws `ssh.connection_lost`. */
  openShell(options: SshShellOptions): Promise<SshShell>
  /** Ends the connection. Safe to repeat. */
  close(): Promise<void>
}

/** How a session becomes root; `hasTerminal` if sudo requires a terminal. */
export type RootAccess =
  | { by: 'login' }
  | { by: 'sudo'; hasTerminal?: true }
  | { by: 'sudo-with-password'; password: string; hasTerminal?: true }
