export { ArtifactsModule } from './artifacts.module.ts'
export { Artifacts, type ReleaseArchive } from './artifacts.ts'
export { readRelease } from './release-archive.ts'
export { ReleaseKeys } from './release-keys.ts'
