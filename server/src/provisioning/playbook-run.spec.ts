import { describe, expect, it } from 'vitest'
import { toPlaybookError } from './playbook-run.ts'

describe('what a failed playbook is called', () => {
  it.each([
    ['[install.agent_silent] It does not listen.', 'install.agent_silent'],
    ['Cannot lay out: [Errno 28] No space left on device', 'host.no_disk'],
    ['[Errno 30] Read-only file system: /etc/x', 'host.read_only'],
    ['something else', 'install.playbook_failed'],
    ['[not.a_code] something else', 'install.playbook_failed'],
    ['', 'install.playbook_failed'],
  ])('%s', (message, code) => {
    expect(toPlaybookError(message, 'Task "x" failed').code).toBe(code)
  })
})
