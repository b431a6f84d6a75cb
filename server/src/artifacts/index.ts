export { ArtifactsModule } from './artifacts.module.ts'
export { type AgentArchive, Artifacts } from './artifacts.ts'
export { readRelease } from './release-archive.ts'
export { ReleaseKeys } from './release-keys.ts'
