import type { HostInspection } from './inspect-host.ts'
import type { Violation } from './violation.ts'

/** A state that the server says, against what its host showed at about that moment, may differ so long: what it hears is on its way. */
export const MAX_FALSE_MS = 60_000
/** One host is seen so often at least before it counts. */
const MIN_SIGHTINGS = 3

/** An instance as a list of services shows it. */
export interface ShownState {
  id: string
  name: string
  state: string
  host: string | null
}

interface Difference {
  sinceMs: number
  sightings: number
  text: string
}

/** Finds states that stay false while a run goes on: an instance that is said to run and does not, or runs and is said to be stopped. */
export class FalseStates {
  readonly #differences = new Map<string, Difference>()

  /** Compares a host with what the server says of its instances. Returns those that have differed for too long, each once. */
  compare(host: string, inspection: HostInspection, shown: readonly ShownState[], atMs: number): Violation[] {
    const running = new Set(inspection.programs.map(({ instance }) => instance))
    return shown
      .filter((one) => one.host === host)
      .flatMap((one) => {
        const text = toDifference(one, running.has(one.id))
        const before = this.#differences.get(one.id)
        if (text === null) this.#differences.delete(one.id)
        if (text === null) return []
        const isSame = before?.text === text
        const now = {
          sinceMs: isSame ? before.sinceMs : atMs,
          sightings: (isSame ? before.sightings : 0) + 1,
          text,
        }
        this.#differences.set(one.id, now)
        if (atMs - now.sinceMs < MAX_FALSE_MS || now.sightings < MIN_SIGHTINGS) return []
        this.#differences.delete(one.id)
        const since = `for ${Math.round((atMs - now.sinceMs) / 1000)} s`
        return [{ kind: 'untrue' as const, instance: one.id, text: `${text} ${host}, ${since}` }]
      })
  }

  /** Forgets a host that was off: what was seen before does not count. */
  forget(shown: readonly ShownState[], host: string): void {
    for (const one of shown) if (one.host === host) this.#differences.delete(one.id)
  }
}

function toDifference({ id, name, state }: ShownState, isRunning: boolean): string | null {
  if (state === 'running' && !isRunning) return `${name} (${id}) is said to be running, and does not run on`
  if (state === 'stopped' && isRunning) return `${name} (${id}) is said to be stopped, and runs on`
  return null
}
