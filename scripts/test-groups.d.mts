export const BY_THE_CLOCK: string[]
export const UNITS: { isolate: false; maxWorkers: number }
export const UNIT_FOLDERS: string[]
export const GROUPS: string[]
export function toGroup(path: string): string
