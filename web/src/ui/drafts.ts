/** Keeps what is typed under a name over reloads and a new sign-in, until it is sent. Transient fields are left out. */
export class DraftStore<V extends object> {
  readonly #key: string

  constructor(
    name: string,
    private readonly transient: readonly (keyof V)[],
  ) {
    this.#key = `rollcall.draft.${name}`
  }

  /** Returns what was typed; nothing where that cannot be read. */
  read(): Partial<V> {
    try {
      return JSON.parse(sessionStorage.getItem(this.#key) ?? '{}') as Partial<V>
    } catch {
      return {}
    }
  }

  write(values: V): void {
    const kept = Object.entries(values).filter(([field]) => !this.transient.includes(field as keyof V))
    sessionStorage.setItem(this.#key, JSON.stringify(Object.fromEntries(kept)))
  }

  forget(): void {
    sessionStorage.removeItem(this.#key)
  }
}
