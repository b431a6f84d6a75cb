// Named stages of a long run: what each took, measured in a fixed piece of work, so that a slow machine is not blamed for being slow.

/**
 * The time that a stage may take, in units of scripts/calibrate.mjs. Machines that run this differ by a factor of four, and neighbours come and go: no
 * stage has a limit in seconds. `hosts` and `clock` wait more than they work, so they have room for a fast machine, whose unit is short. What
 * waits for other people's servers (packages, tools) has no share, nor has lint, which runs beside the tests at the lowest priority.
 */
export const SHARES = {
  build: 100,
  'test hosts': 200,
  units: 150,
  database: 100,
  hosts: 900,
  clock: 200,
}

/**
 * A stage over its share is reported, so that somebody looks at it. Only one that is over by this factor fails the run: less than that a busy
 * neighbour does in an hour, and a suite that fails for its neighbours is soon ignored.
 */
export const FAIL_FACTOR = 4

export class Stages {
  #taken = []
  #now

  constructor(now = () => performance.now()) {
    this.#now = now
  }

  /** Runs `work` as a stage. Returns and throws what `work` does; a stage that throws is listed too. */
  async run(name, work) {
    const startedAt = this.#now()
    try {
      return await work()
    } finally {
      this.add(name, (this.#now() - startedAt) / 1000)
    }
  }

  add(name, seconds) {
    this.#taken.push({ name, seconds })
  }

  /** Compares the stages with their shares, one unit being `unitSeconds`. Returns lines for people, and what is over its share. */
  report(unitSeconds, shares = SHARES) {
    const rows = this.#taken.map(({ name, seconds }) => {
      const units = seconds / unitSeconds
      const share = shares[name]
      return { name, seconds, units, share, ratio: share === undefined ? 0 : units / share }
    })
    const over = rows.filter(({ ratio }) => ratio > 1)
    return {
      lines: [
        `Stages (1 unit is a fixed piece of work, which took ${unitSeconds.toFixed(1)} s here)`,
        ...rows.map(toLine),
        ...over.map(
          ({ name, ratio }) => `\u26a0 ${name} took ${ratio.toFixed(1)} times its share (scripts/stages.mjs)`,
        ),
      ],
      over: over.map(({ name }) => name),
      hasFailed: rows.some(({ ratio }) => ratio > FAIL_FACTOR),
    }
  }
}

const toLine = ({ name, seconds, units, share }) =>
  `  ${name.padEnd(12)}${seconds.toFixed(1).padStart(8)} s${units.toFixed(0).padStart(6)} units${share === undefined ? '' : ` of ${share}`}`
