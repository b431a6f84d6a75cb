export { connectSsh, scanHostKey } from './connect-ssh.ts'
export type {
  OutputStream,
  SshExecOptions,
  SshExecResult,
  SshSession,
  SshShell,
  SshTarget,
} from './ssh-session.ts'
