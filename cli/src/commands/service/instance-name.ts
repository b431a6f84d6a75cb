import { UsageError } from '../../errors.ts'

/** Splits `shop/web.2` into the service and the slot. Throws `UsageError` for another form. */
export function toInstanceParams(name: string): { service: string; slot: number } {
  const [, service = '', slot = ''] = /^(.+)\.([1-9]\d{0,5})$/.exec(name) ?? []
  if (service !== '') return { service, slot: Number(slot) }
  throw new UsageError(
    `"${name}" names no instance. Write PROJECT/NAME.SLOT, such as shop/web.2; "rollcall service show" lists them.`,
  )
}

/** Reads a service or an instance: `shop/web`, or `shop/web.2` with its slot. A name that ends with a number after a dot is that of an instance. */
export function toServiceParams(name: string): { service: string; slot?: number } {
  const [, service = name, slot] = /^(.+\/.+)\.([1-9]\d{0,5})$/.exec(name) ?? []
  return slot === undefined ? { service } : { service, slot: Number(slot) }
}
