/** One thing that a file says, by its path there. */
export interface Field {
  path: string
  text: string
  /** The value of a variable, which is shown only to those who may change services. */
  isPrivate?: true
  /** Its value is shown to nobody. */
  isSecret?: true
}
