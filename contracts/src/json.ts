import { z } from 'zod'

/** Any value that JSON can say. */
export const jsonValue = z.json()
