/** Stands in for a service by those parts that a spec needs. A part that the service does not have, or has otherwise, does not compile. */
export const partOf = <T>(parts: Partial<NoInfer<T>>): T => parts as T
