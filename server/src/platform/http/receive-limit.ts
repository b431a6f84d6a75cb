import type { IncomingMessage } from 'node:http'

/** The time that a request may take to arrive, as Node's own limit is, which knows no exception. */
export const RECEIVE_MS = 300_000

const timers = new WeakMap<IncomingMessage, NodeJS.Timeout>()

/** Returns middleware that breaks off requests that take longer than `ms` to arrive, except uploads that are let in. */
export const limitReceiving =
  (ms = RECEIVE_MS) =>
  (request: IncomingMessage, _response: unknown, next: () => void): void => {
    // What has arrived and nobody has read yet, such as the end of a request without a body, holds nothing up.
    const timer = setTimeout(() => {
      if (!request.complete) request.socket.destroy()
    }, ms)
    timers.set(request, timer)
    request.once('end', () => clearTimeout(timer))
    request.once('close', () => clearTimeout(timer))
    next()
  }

/** Lets a request take as long as it needs to arrive. */
export const receiveWithoutLimit = (request: IncomingMessage): void => clearTimeout(timers.get(request))
