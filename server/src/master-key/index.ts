export { IDENTITY_CONTEXT, openSealer, rotateMasterKey } from './master-key.repository.ts'
export { loadMasterKey, parseMasterKey } from './master-key.ts'
