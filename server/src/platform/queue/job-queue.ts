import { createRequire } from 'node:module'
import type * as BullMq from 'bullmq'
import type { PoolConfig } from 'pg'
import type { Logger } from '../log.ts'

const QUEUE = 'commands'
const SCHEMA = 'bullmq'
const CONCURRENCY = 64
/** A job whose server died runs again after a lock and two checks at most. */
const LOCK_MS = 5000
const STALLED_CHECK_MS = 2000
const LOGGED_ERROR_INTERVAL_MS = 5000

// BullMQ's ES module build cannot load pg by itself.
const bullmq = createRequire(import.meta.url)('bullmq') as typeof BullMq

type Backend = { type: 'postgres'; connection: PoolConfig } | { type: 'redis'; url: string }

/**
 * Queues the ids of commands that need work. It may lose or repeat ids: the database has the truth, and a reconciler
 * adds due commands again.
 */
export class JobQueue {
  private worker: BullMq.Worker | undefined
  private lastLoggedAt = 0

  private constructor(
    private readonly queue: BullMq.Queue,
    private readonly makeWorker: (handler: (id: string) => Promise<void>) => BullMq.Worker,
    private readonly log: Logger,
  ) {
    this.watch(queue)
  }

  static async open(backend: Backend, log: Logger): Promise<JobQueue> {
    const connectionFor = (user: 'producer' | 'worker') =>
      backend.type === 'redis'
        ? redisConnection(backend.url, user)
        : { ...backend.connection, schema: SCHEMA, max: 4 }
    const { Queue, Worker } =
      backend.type === 'redis'
        ? bullmq
        : (bullmq.withBackend(bullmq.createPostgresBackend) as unknown as typeof bullmq)
    if (backend.type === 'postgres')
      await migrate(Queue, { ...backend.connection, schema: SCHEMA, migrate: true, max: 1 })
    const makeWorker = (handler: (id: string) => Promise<void>) =>
      new Worker(QUEUE, (job) => handler(String(job.id)), {
        connection: connectionFor('worker') as BullMq.ConnectionOptions,
        concurrency: CONCURRENCY,
        lockDuration: LOCK_MS,
        stalledInterval: STALLED_CHECK_MS,
        maxStalledCount: 1000,
      })
    return new JobQueue(
      new Queue(QUEUE, { connection: connectionFor('producer') as BullMq.ConnectionOptions }),
      makeWorker,
      log,
    )
  }

  /** Adds an id unless it is already waiting. */
  async add(id: string): Promise<void> {
    await this.queue.add('command', {}, { jobId: id, removeOnComplete: true, removeOnFail: true })
  }

  /** Calls `handler` for each id. An error is logged; the reconciler adds the id again. */
  async process(handler: (id: string) => Promise<void>): Promise<void> {
    this.worker = this.makeWorker(handler)
    this.watch(this.worker)
    this.worker.on('failed', (job, error) =>
      this.log.warn(
        { err: error, commandId: job?.id },
        'failed to process a command; it is added again when it is due',
      ),
    )
    await this.worker.waitUntilReady()
  }

  async depth(): Promise<{ waiting: number; active: number }> {
    const { waiting = 0, active = 0 } = await this.queue.getJobCounts('waiting', 'active')
    return { waiting, active }
  }

  async isUp(): Promise<boolean> {
    return this.queue.getJobCounts('waiting').then(
      () => true,
      () => false,
    )
  }

  async close(): Promise<void> {
    await this.worker?.close(true)
    await this.queue.close()
  }

  private watch(emitter: { on(event: 'error', listener: (error: Error) => void): unknown }): void {
    emitter.on('error', (error) => {
      const now = Date.now()
      if (now - this.lastLoggedAt < LOGGED_ERROR_INTERVAL_MS) return
      this.lastLoggedAt = now
      this.log.warn({ err: error }, 'the queue reported an error')
    })
  }
}

async function migrate(Queue: typeof BullMq.Queue, connection: object): Promise<void> {
  const queue = new Queue(QUEUE, { connection } as BullMq.QueueOptions)
  await queue.waitUntilReady()
  await queue.close()
}

/** The producer fails at once while Redis is away, and the reconciler retries; a worker waits for its return. */
function redisConnection(url: string, user: 'producer' | 'worker') {
  const isSocket = url.startsWith('/') || url.startsWith('unix://')
  return {
    ...(isSocket ? { path: url.replace(/^unix:\/\//, '') } : { url }),
    ...(user === 'worker'
      ? { maxRetriesPerRequest: null }
      : { maxRetriesPerRequest: 1, enableOfflineQueue: false }),
  }
}
