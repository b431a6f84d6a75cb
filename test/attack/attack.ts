import type { AttackSetting } from './setting.ts'

export interface AttackOptions {
  /** Fewer rounds: the same attacks in a minute or two. */
  isShort: boolean
}

/** Something that must not work. */
export interface Attack {
  /** A sentence: what would be so if it got through. */
  name: string
  /** True if it waits most of its time, and does not mind what happens beside it. */
  isPatient?: true
  /** Returns what got through, a line each; none when nothing did. Throws when the attack itself could not be carried out. */
  run(setting: AttackSetting, options: AttackOptions): Promise<string[]>
}

/** Says what an answer was, where it should have been a refusal. */
export function unlessRefused(
  who: string,
  what: string,
  answer: { status: number; body: unknown },
  ...allowed: number[]
): string[] {
  const refused = allowed.length > 0 ? allowed : [400, 401, 403, 404, 409]
  if (refused.includes(answer.status)) return []
  return [`${who}: ${what} answered ${answer.status}: ${JSON.stringify(answer.body).slice(0, 300)}`]
}
