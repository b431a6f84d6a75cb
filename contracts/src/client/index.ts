export * from './api-client.ts'
export * from './api-error.ts'
export * from './for-each-of.ts'
