import { ApiError, InvalidRequestError } from '@rollcall/contracts/client'
import { describe, expect, it } from 'vitest'
import { CliError, renderError } from './errors.ts'

describe('renderError', () => {
  it('an error is shown with message and code', () => {
    const error = new ApiError('There is no host named: x.', { kind: 'rejected', code: 'host.not_found' })
    expect(renderError(error, false)).toBe('error: There is no host named: x. (host.not_found)\n')
  })

  it('every wrong field has a line of its own, once', () => {
    const fields = [
      { field: 'name', message: 'must be short' },
      { field: 'port', message: 'must be a number' },
    ]
    const error = new InvalidRequestError(fields)
    expect(renderError(error, false)).toBe(
      'error: The request is not valid. (request.invalid)\n  name: must be short\n  port: must be a number\n',
    )
  })

  it('no message of an error acts on the terminal', () => {
    const error = new ApiError('\x1b[2Jgone\r\u202E', {
      code: 'x\x1b[0m',
      fields: [{ field: '\x07', message: '\x9b' }],
    })
    expect(renderError(error, false)).not.toMatch(/[^\P{C}\n]/u)
  })

  it('prints a stack only when it is asked for', () => {
    for (const error of [new TypeError('x is not a function'), new CliError('No.')]) {
      expect(renderError(error, false)).not.toMatch(/\n\s+at /)
      expect(renderError(error, true)).toMatch(/\n\s+at /)
    }
  })
})
