import type { Attack, AttackOptions } from './attack.ts'
import type { AttackSetting } from './setting.ts'

/** Attacks on one setting: patient ones are begun together at once, every other when its result is asked for. */
export class Attempts {
  readonly #setting: AttackSetting
  readonly #options: AttackOptions
  readonly #begun = new Map<Attack, Promise<string[]>>()

  constructor(attacks: readonly Attack[], setting: AttackSetting, options: AttackOptions) {
    this.#setting = setting
    this.#options = options
    for (const attack of attacks) if (attack.isPatient) this.#begin(attack)
  }

  /** Returns what got through. Throws when the attack could not be carried out. */
  result(attack: Attack): Promise<string[]> {
    return this.#begun.get(attack) ?? this.#begin(attack)
  }

  #begin(attack: Attack): Promise<string[]> {
    const result = attack.run(this.#setting, this.#options)
    // Told to whoever asks for the result; until then its failure must not end the process.
    result.catch(() => undefined)
    this.#begun.set(attack, result)
    return result
  }
}
