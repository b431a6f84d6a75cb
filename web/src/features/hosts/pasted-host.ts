/** A host out of a text that somebody has pasted. */
export interface PastedHost {
  name: string
  address: string
  port: number
  user?: string
  labels: Record<string, string>
}

export interface Pasted {
  hosts: PastedHost[]
  /** Lines that nobody could make sense of, by their number from 1. */
  unread: { line: number; text: string }[]
}

export const NAME = /^[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?$/
export const LABEL = /^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$/
