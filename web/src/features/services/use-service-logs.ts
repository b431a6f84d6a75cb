import { useEffect, useState } from 'react'
import { LogReader, type ReadLogs } from './log-reader.ts'
import { MergedLog } from './merged-log.ts'

const nothingYet = (): ReadLogs => ({ log: new MergedLog(), isReading: true, failures: new Map() })

/** Reads the logs of a service's instances as one while the page shows them. */
export function useServiceLogs(reference: string, slots: readonly number[], isFollowed: boolean): ReadLogs {
  const [read, setRead] = useState(nothingYet)
  const key = slots.join()
  // biome-ignore lint/correctness/useExhaustiveDependencies: the slots are in the key
  useEffect(() => {
    setRead(nothingYet())
    const reader = new LogReader(reference, isFollowed, slots, setRead)
    return () => reader.stop()
  }, [reference, key, isFollowed])
  return read
}
