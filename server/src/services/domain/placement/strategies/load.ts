import type { Strategy } from './strategy.ts'

/** Prefers hosts with the largest share free after placing, of processors or memory, whichever is scarcer. */
export const load: Strategy = ({ needs }, { plan }, range) => ({
  points(at) {
    const cpus = plan.freeShareAfter('milliCpus', at, needs)
    return Math.floor(range * Math.min(cpus, plan.freeShareAfter('memoryBytes', at, needs)))
  },
})
