export * from './errors.ts'
export * from './parse-json.ts'
export * from './retry.ts'
export * from './text.ts'
