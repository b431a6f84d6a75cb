/** For `.catch`: swallows the error of a wait that was aborted. Throws any other error. */
export function ignoreAbort(error: Error): void {
  if (error.name !== 'AbortError') throw error
}
