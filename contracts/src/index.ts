export * from './errors.ts'
export * from './retry.ts'
export * from './text.ts'
