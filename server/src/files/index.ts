export { AgentFileReader, type ReadOrder } from './agent-file-reader.ts'
export {
  AgentFiles,
  type FileSource,
  type OnProgress,
  type TreeMember,
  type TreeUpload,
  type Upload,
} from './agent-files.ts'
export { FilesModule } from './files.module.ts'
