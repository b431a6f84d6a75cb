import type { Violation } from './violation.ts'

/** An entry that the program of a container has written: it has begun, ended by TERM, or found its slot held by another one. */
export interface LedgerEntry {
  event: 'begin' | 'end' | 'overlap'
  /** Since the start of the kernel, which all hosts share. */
  uptimeS: number
  /** `PROJECT/SERVICE.SLOT/CONTAINER`. */
  slot: string
  generation: number
  host: string
  instance: string
  /** The one that holds the slot; null where it could not be read. */
  other: { generation: number; host: string } | null
}

const EVENTS: readonly string[] = ['begin', 'end', 'overlap'] satisfies LedgerEntry['event'][]
const isEvent = (text: string): text is LedgerEntry['event'] => EVENTS.includes(text)

/** Reads the whole lines of a ledger. Throws on one that no container has written. */
export function parseLedger(text: string): LedgerEntry[] {
  return text.split('\n').slice(0, -1).map(parseEntry)
}

function parseEntry(line: string): LedgerEntry {
  const [event = '', uptimeS, slot = '', generation, host = '', instance = '', other = ''] = line.split('\t')
  const entry = { uptimeS: Number(uptimeS), slot, generation: Number(generation), host, instance }
  if (!isEvent(event) || !(entry.uptimeS > 0) || !(entry.generation > 0) || slot === '' || host === '')
    throw new Error(`no entry of a ledger: ${line}`)
  const [otherGeneration, otherHost] = other.split(' ')
  const isKnown = Number(otherGeneration) > 0 && otherHost !== undefined
  return { event, ...entry, other: isKnown ? { generation: Number(otherGeneration), host: otherHost } : null }
}

/**
 * Finds slots that ran twice at one time: in one generation, or in two on one host, where the old one is stopped first. Two generations on
 * two hosts are allowed: without a fence a slot moves away from a silent host, where it may still run.
 */
export function findOverlaps(entries: readonly LedgerEntry[]): Violation[] {
  return entries
    .filter(({ event }) => event === 'overlap')
    .filter(({ other, generation, host }) => !other || other.generation === generation || other.host === host)
    .map(({ slot, generation, host, instance, other, uptimeS }) => ({
      kind: 'doubled' as const,
      instance,
      text: `${slot}: generation ${generation} on ${host} began at ${uptimeS} s beside ${other ? `generation ${other.generation} on ${other.host}` : 'another one'}`,
    }))
}
