export { AgentFileReader, type ReadRequest } from './agent-file-reader.ts'
export {
  AgentFiles,
  type OnProgress,
  type TreeSync,
} from './agent-files.ts'
export { FilesModule } from './files.module.ts'
export { type TreeEntry, type TreeMember, toTreeMember } from './tree-manifest.ts'
