// How the server's process is run, whoever starts it.

/**
 * Flags for Node. With ten thousand connections the process is some 150 MB smaller for them: a young generation of 8 MB, an
 * old one that is collected when a fifth has been added to it, and no threads that collect beside the one that works.
 */
export const SERVER_FLAGS = [
  '--max-semi-space-size=8',
  '--heap-growing-percent=20',
  '--no-parallel-scavenge',
  '--no-concurrent-marking',
]

/** One arena: those of further threads would only hold on to what connections have given back. */
export const SERVER_ENV = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072' }
