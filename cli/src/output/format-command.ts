import { sanitizeText } from '@rollcall/contracts'
import type { CommandView, RunLimits, Target } from '@rollcall/contracts/admin'

/** Formats a duration: `850 ms`, `1.2 s`, `3 min 4 s`, `2 h 5 min`, `3 d 4 h`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`
  const seconds = ms / 1000
  if (seconds < 60) return `${Math.floor(seconds * 10) / 10} s`
  const whole = Math.floor(seconds)
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`
}

/** Formats how long ago a moment was, by this machine's clock, in whole seconds or more. */
export function formatAge(moment: string, now = Date.now()): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(moment)) / 1000))
  return seconds < 60 ? `${seconds} s` : formatDuration(seconds * 1000)
}

export function formatElapsed({ startedAt, endedAt }: Pick<CommandView, 'startedAt' | 'endedAt'>): string {
  return startedAt && endedAt ? formatDuration(Date.parse(endedAt) - Date.parse(startedAt)) : '-'
}

/** Formats `1 host` or `2 hosts`. */
export const formatHostCount = (count: number) => `${count} ${count === 1 ? 'host' : 'hosts'}`

/** Formats limits: `at most 3 at a time, in batches of 25%`; empty if there are none. */
export function formatLimits(limits: RunLimits | null): string {
  const bounds = [
    limits?.concurrency && `at most ${limits.concurrency} at a time`,
    limits?.batch && `in batches of ${limits.batch}`,
    limits?.stopAfterFailures && `stops after ${limits.stopAfterFailures} failures`,
  ]
  return bounds.filter(Boolean).join(', ')
}

/** Formats a target: `all`, `env=prod and zone=a`, `2 hosts`, or `-` if it is open. */
export function formatTarget(target: Target | null): string {
  if (target?.hosts)
    return target.hosts.length === 1 ? (target.hosts[0] ?? '') : formatHostCount(target.hosts.length)
  return target?.all ? 'all' : (target?.labels?.join(' and ') ?? '-')
}

/** Cuts a text at `max` characters. */
export const shorten = (text: string, max: number) =>
  text.length > max ? `${text.slice(0, max - 1)}…` : text

/** Formats a program and its arguments as one would type them into a shell. */
export function formatCommandLine({ program, args }: { program: string; args: readonly string[] }): string {
  return [program, ...args]
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ')
}

/** Formats an exit code or signal: `0`, `SIGKILL`, or `-`. */
export const formatExit = ({ exitCode, signal }: Pick<CommandView, 'exitCode' | 'signal'>) =>
  signal ?? exitCode?.toString() ?? '-'

export const formatLabels = (labels: Readonly<Record<string, string>>) =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',') || '-'

/** Formats why a command ended other than by its program's own exit; undefined if it did not. */
export function formatEnding(
  command: Pick<CommandView, 'state' | 'exitCode' | 'signal' | 'reason' | 'reasonCode' | 'timeoutMs'>,
): string | undefined {
  const { state, exitCode, signal, reason, reasonCode } = command
  const because = reason ? `: ${sanitizeText(reason, 4000)}` : ''
  const code = reasonCode ? ` (${reasonCode})` : ''
  if (state === 'success' || (state === 'failed' && exitCode !== null && !reason)) return undefined
  if (state === 'timed_out') return `timed out after ${formatDuration(command.timeoutMs)}${because}`
  if (state === 'failed' && signal && !reason) return `ended by ${sanitizeText(signal, 16)}`
  return `${state}${because}${code}`
}
