export { type Blob, decodeFrame, encodeFrame, memoryBlob, readFrame, readFrames, readWhole } from './blob.ts'
export { BlobStore, contentGone } from './blob-store.ts'
export { BlobsModule } from './blobs.module.ts'
export { BufferPool } from './buffer-pool.ts'
