export const BY_THE_CLOCK: string[]
export const UNIT_FOLDERS: string[]
export const GROUPS: string[]
export function toGroup(path: string): string
