import { Alarm } from '../clock/alarm.ts'
import { ConcurrentUpdateError } from '../leases/concurrent-update-error.ts'

/** Asks for the next run sooner or later than after `intervalMs`. */
export interface Requeue {
  requeueAfterMs: number
}

/** The answer of a run when nothing is under way: what begins here rings `wake`, and what another server left behind can wait. */
export const IDLE: Requeue = { requeueAfterMs: 2000 }

/** `startDelayMs` of what can wait: a server that has just started has commands to take up. */
export const CAN_WAIT_MS = 60_000

/**
 * One piece of background work. A subclass among a module's providers is found, started after the server listens, stopped and
 * measured by `BackgroundTasks`; nothing else has to know of it.
 */
export abstract class Reconciler {
  /** Names the work in logs and in the label of metrics: kebab-case, unique, such as `output-retention`. */
  abstract readonly name: string
  /** Milliseconds from the end of one run to the start of the next. */
  abstract readonly intervalMs: number
  /** Milliseconds between two runs at least, however often `wake` is called. */
  readonly minPauseMs: number = 0
  /** Milliseconds from the start of the server to the first run. */
  readonly startDelayMs: number = 0
  /** Rung by `wake`; awaited by the supervisor between runs. */
  readonly wakeup = new Alarm()

  /**
   * Brings what is so closer to what is stored. Runs never overlap, several servers run at once, and any run may be the last: `signal`,
   * the same in every run, fires when the server stops. An error is logged and counted, and the next run comes all the same.
   */
  abstract reconcile(
    now: Date,
    signal: AbortSignal,
  ): Promise<void> | Promise<Requeue> | Promise<Requeue | undefined>

  /**
   * Does `work` for one item after the other, until `signal` fires. One that fails stops no other: `report` tells it, unless another server
   * was faster.
   */
  protected async forEach<T>(
    items: Iterable<T>,
    signal: AbortSignal,
    work: (item: T) => Promise<void>,
    report: (error: unknown, item: T) => void,
  ): Promise<void> {
    for (const item of items) {
      if (signal.aborted) return
      await work(item).catch((error) => {
        if (!(error instanceof ConcurrentUpdateError)) report(error, item)
      })
    }
  }

  /** Resolves when work that outlives a run has ended. Called once, after the last run. */
  async drain(): Promise<void> {
    // Most work ends with its run.
  }

  /** Has the next run begin now, or as soon as `minPauseMs` allows. A hint: without it the next run comes after `intervalMs`. */
  wake(): void {
    this.wakeup.ring()
  }
}
