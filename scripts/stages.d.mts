export const SHARES: Record<string, number>
export const FAIL_FACTOR: number

export class Stages {
  constructor(now?: () => number)
  run<T>(name: string, work: () => Promise<T>): Promise<T>
  add(name: string, seconds: number): void
  report(
    unitSeconds: number,
    shares?: Record<string, number>,
  ): { lines: string[]; over: string[]; hasFailed: boolean }
}
