/** SQL: columns of `table`, each as the name that the Prisma client has for it. */
export const selectColumns = (table: string, names: readonly string[]): string =>
  names.map((name) => `${table}."${toColumn(name)}" AS "${name}"`).join(', ')

export const toColumn = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
