import type { AuditEntry } from '@rollcall/contracts/admin'
import type { ChainCheck } from './domain/chain.ts'

/** Converts the result of a verification to its public view. */
export const toChainCheckView = ({ entries, broken }: ChainCheck) => ({
  entries,
  isIntact: broken === null,
  broken,
})

/** Formats entries as JSON lines. */
export const toJsonLines = (entries: readonly AuditEntry[]) =>
  entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')
