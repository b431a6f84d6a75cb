import { useDebouncedValue } from '@mantine/hooks'
import type { PlanFault, ServicePlanAnswer } from '@rollcall/contracts/admin'
import { useEffect, useState } from 'react'

/** How long typing has to pause before the file is read. */
const PAUSE_MS = 250

export interface NamedFile {
  path: string
  text: string
}

export interface Reading {
  faults: readonly PlanFault[]
  keys: ServicePlanAnswer['keys']
  /** Paths of env files and configs that the file names. */
  paths: readonly string[]
}

type Compose = typeof import('@rollcall/compose')

/** Reads a service file as the server does. `variables` are lines of an env file. */
export function readFile(
  { readServices, readEnvFile }: Compose,
  text: string,
  variables: string,
  files: readonly NamedFile[],
): Reading {
  const paths = new Set<string>()
  const given = Object.fromEntries(readEnvFile(variables).variables)
  const { faults, keys } = readServices(text, given, {
    readFile: (path) => {
      paths.add(path)
      return files.find((file) => file.path === path)?.text
    },
  })
  return { faults, keys, paths: [...paths] }
}

/** Reads what is typed whenever typing pauses. Returns nothing for an empty text, and until the reader is loaded. */
export function useReading(
  text: string,
  variables: string,
  files: readonly NamedFile[],
): Reading | undefined {
  const [compose, setCompose] = useState<Compose>()
  const [typed] = useDebouncedValue(text, PAUSE_MS)
  const [given] = useDebouncedValue(variables, PAUSE_MS)
  useEffect(() => {
    let isLeft = false
    // Of the size of a page, and needed here alone.
    void import('@rollcall/compose').then((loaded) => !isLeft && setCompose(loaded))
    return () => {
      isLeft = true
    }
  }, [])
  const [reading, setReading] = useState<Reading>()
  useEffect(() => {
    setReading(compose && typed.trim() !== '' ? readFile(compose, typed, given, files) : undefined)
  }, [compose, typed, given, files])
  return reading
}
