import type { PrincipalRef } from '../../access/index.ts'

export interface OpenTerminal {
  commandId: string
  hostId: string
  opener: PrincipalRef
}

export type TerminalInput = { data: Buffer } | { columns: number; rows: number }
