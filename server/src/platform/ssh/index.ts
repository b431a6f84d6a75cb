export { connectSsh, scanHostKey } from './connect-ssh.ts'
export type { HostKey } from './host-key.ts'
export {
  type ConnectOptions,
  DEFAULT_SSH_TIMEOUTS,
  type FileSent,
  type OutputStream,
  type PutFileOptions,
  type RootAccess,
  type SshExecOptions,
  type SshExecResult,
  type SshSession,
  type SshShell,
  type SshShellOptions,
  type SshTarget,
  type SshTimeouts,
} from './ssh-session.ts'
