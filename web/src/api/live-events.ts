import { type LiveEvent, liveEvent } from '@rollcall/contracts/admin'

/** Reads a message of the server. Returns undefined for one of a newer server, whose events are unknown here. */
export const readLiveEvent = (text: string): LiveEvent | undefined =>
  liveEvent.safeParse(JSON.parse(text)).data
