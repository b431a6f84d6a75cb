export interface Bundle {
  path: string
  sha256: string
  versions: Record<string, string>
}

export interface BundleOptions {
  cacheDir?: string
  log?: (line: string) => void
  refresh?: boolean
}

export class BundleError extends Error {}

export function buildAnsibleBundle(options?: BundleOptions): Promise<Bundle>
export function defaultCacheDir(): string
