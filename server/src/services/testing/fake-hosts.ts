import { type Blob, readWhole } from '../../blobs/index.ts'
import type { Order } from '../domain/order.ts'

interface Slot {
  prepared: Order | null
  current: Order | null
  sinceMs: number
  isRunning: boolean
}

interface Uploaded {
  source: { blob: Blob }
  destination: string
  mode: number | null
}

type Health = 'success' | 'failed'

/** Hosts that do steps of instances as the host program does, without any machine: for specs with a server that has a real database. */
export class FakeHosts {
  /** Files by host and path, as they were uploaded. */
  readonly uploads = new Map<string, { mode: number | null; text: string }>()
  /** Steps in the order in which they were asked for: `start 3fa9c1d2 4`. */
  readonly steps: string[] = []
  /** Errors by step, for each attempt, as long as there are any. */
  readonly failing = new Map<string, { code: string; message: string }[]>()
  /** Health by the digest of the revision; `success` for others. */
  readonly healths = new Map<string, Health>()
  isTooOld = false
  /** Their wardens have not written a report yet. */
  hasNoReport = false
  private readonly hosts = new Map<string, Map<string, Slot>>()
  private readonly answers = new Map<string, { text: string; exitCode: number }>()

  /** Takes the place of `AgentFiles.upload`. */
  async upload(hostId: string, { source, destination, mode }: Uploaded): Promise<void> {
    const text = (await readWhole(source.blob)).toString()
    this.uploads.set(`${hostId}:${destination}`, { mode, text })
  }

  /** Takes the place of `AgentsService.call`. */
  async call(hostId: string, method: string, params: Record<string, unknown>): Promise<object> {
    if (method === 'execute_command') return this.execute(hostId, params)
    if (method === 'get_command_log') return this.log(String(params.command_id))
    if (method === 'get_instances') return this.report(hostId)
    return {}
  }

  private execute(hostId: string, { command_id, args }: Record<string, unknown>): object {
    const id = String(command_id)
    if (!this.answers.has(id)) {
      const [, , , step = '', ...words] = args as string[]
      this.answers.set(id, this.doStep(hostId, step, words))
    }
    return { command_id: id, status: 'running' }
  }

  private log(id: string): object {
    const { text, exitCode } = this.answers.get(id) ?? { text: '', exitCode: 1 }
    const data = Buffer.from(text)
    return {
      log_type: 'stdout',
      log_data: data.toString('base64'),
      further: [],
      new_offset: data.length,
      is_final: true,
      result: {
        status: exitCode === 0 ? 'success' : 'failed',
        return_code: exitCode,
        signal: null,
        reason: null,
        message: null,
        dropped: 0,
        started_at_ms: 0,
        ended_at_ms: 1,
      },
    }
  }

  private doStep(hostId: string, step: string, words: string[]): { text: string; exitCode: number } {
    // A question and no step: they have every image.
    if (step === 'missing-images') return toAnswer({ missing: [] })
    const error = this.failing.get(step)?.shift()
    this.steps.push([step, ...words].join(' '))
    if (error) return { text: JSON.stringify({ error }), exitCode: 1 }
    if (step === 'logs' || step === 'exec') return { text: `${words.join(' ')}\n`, exitCode: 0 }
    if (step === 'prepare') return toAnswer(this.prepare(hostId, words[0] ?? ''))
    return toAnswer(this.change(hostId, step, words[0] ?? '', Number(words[1])))
  }

  private prepare(hostId: string, path: string): object {
    const order = JSON.parse(this.uploads.get(`${hostId}:${path}`)?.text ?? 'null') as Order
    this.slot(hostId, order.instance).prepared = order
    return { prepared: true, generation: order.generation }
  }

  private change(hostId: string, step: string, id: string, generation: number): object {
    const slot = this.slot(hostId, id)
    if (step === 'remove') {
      this.hosts.get(hostId)?.delete(id)
      return { state: 'gone' }
    }
    if (step === 'start') slot.current = slot.prepared
    slot.isRunning = step !== 'stop'
    slot.sinceMs++
    return { state: slot.isRunning ? 'running' : 'stopped', generation }
  }

  private slot(hostId: string, id: string): Slot {
    const host = this.hosts.get(hostId) ?? new Map<string, Slot>()
    this.hosts.set(hostId, host)
    const slot = host.get(id) ?? { prepared: null, current: null, sinceMs: 0, isRunning: false }
    host.set(id, slot)
    return slot
  }

  private report(hostId: string): object {
    if (this.hasNoReport) return { digest: '', age_ms: null, failure: null, report: null }
    const instances = [...(this.hosts.get(hostId) ?? [])].flatMap(
      ([instance, { current, isRunning, sinceMs }]) =>
        current === null ? [] : [{ ...this.toReported(instance, current, isRunning), since_ms: sinceMs }],
    )
    const digest = Buffer.from(JSON.stringify(instances)).toString('hex').slice(-64)
    const report = {
      format: 1,
      boot_id: '16fd2706-8baf-433b-82eb-8c7fada847da',
      at_ms: 1,
      digest,
      instances,
    }
    return { digest, age_ms: 0, failure: null, report }
  }

  private toReported(instance: string, { generation, revision }: Order, isRunning: boolean) {
    const health = this.healths.get(revision) ?? 'success'
    return {
      instance,
      generation,
      revision,
      state: isRunning ? 'running' : 'stopped',
      health: isRunning ? health : 'unknown',
      reason: health === 'failed' ? 'web: GET /up answered 503' : null,
      containers: [],
      checks: [],
    }
  }
}

const toAnswer = (said: object) => ({ text: `${JSON.stringify(said)}\n`, exitCode: 0 })
