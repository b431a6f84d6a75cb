import { describe, expect, it } from 'vitest'
import { toReport } from '../../testing/test-sshd.ts'
import { decideMachine, decideOwner, type MachineView, type OwnerFacts } from './machine.ts'
import { parsePreflight } from './preflight-report.ts'

const FLEET = '11111111-1111-4111-8111-111111111111'
const US = '22222222-2222-4222-8222-222222222222'
const OTHER = '33333333-3333-4333-8333-333333333333'
const CERTIFICATE = 'a'.repeat(64)
const PIN = `"sha256/${'A'.repeat(43)}="`

const FACTS: OwnerFacts = {
  fleetId: FLEET,
  hostId: US,
  isOwnerKnown: false,
  certificateHolder: null,
  areServersOurs: false,
}
const ownerOf = (report: Record<string, string>, facts: Partial<OwnerFacts> = {}) =>
  decideOwner(parsePreflight(toReport(report)), { ...FACTS, ...facts })

describe('whose an agent is', () => {
  it.each<[string, Record<string, string>, Partial<OwnerFacts>, unknown]>([
    ['a host without one', {}, {}, 'nobody'],
    ['our own mark', { agent_owner: `${FLEET}/${US}` }, { isOwnerKnown: true }, 'us'],
    [
      'the mark of another host',
      { agent_owner: `${FLEET}/${OTHER}` },
      { isOwnerKnown: true },
      { hostId: OTHER },
    ],
    ['the mark of a host that was forgotten', { agent_owner: `${FLEET}/${OTHER}` }, {}, 'forgotten'],
    ['the mark of another fleet', { agent_owner: `${OTHER}/${US}` }, { isOwnerKnown: true }, 'stranger'],
    [
      'our certificate, from before marks',
      { agent_certificate: CERTIFICATE, agent_servers: PIN },
      { certificateHolder: US },
      'us',
    ],
    [
      'the certificate of another host',
      { agent_certificate: CERTIFICATE },
      { certificateHolder: OTHER },
      { hostId: OTHER },
    ],
    [
      'an unknown agent of our servers',
      { agent_certificate: CERTIFICATE, agent_servers: PIN },
      { areServersOurs: true },
      'forgotten',
    ],
    [
      'an unknown agent of other servers',
      { agent_certificate: CERTIFICATE, agent_servers: PIN },
      {},
      'stranger',
    ],
    ['a configuration without certificate', { agent_certificate: '', agent_servers: PIN }, {}, 'stranger'],
    [
      'a mark that cannot be read',
      { agent_owner: 'rm -rf /', agent_certificate: CERTIFICATE },
      { certificateHolder: OTHER },
      { hostId: OTHER },
    ],
  ])('a machine is recognised by %s', (_what, report, facts, owner) => {
    expect(ownerOf(report, facts)).toEqual(owner)
  })

  it('the agent of a new host is unowned or another host’s, never its own', () => {
    const facts = { hostId: null, isOwnerKnown: true }
    expect(ownerOf({ agent_owner: `${FLEET}/${US}` }, facts)).toEqual({ hostId: US })
  })
})

describe('a machine that is, or was, another host’s', () => {
  const VIEW: MachineView = {
    owner: 'nobody',
    ownerName: null,
    twins: [],
    allowed: { duplicate: false, takeOver: false },
  }
  const codes = (view: Partial<MachineView>) =>
    decideMachine({ ...VIEW, ...view }).flatMap(({ ok, code }) => (ok ? [] : [code]))
  const twin = { name: 'web-1', hasSameKey: true }

  it('a taken machine is refused by key or id, unless on purpose or with the host’s own agent', () => {
    expect(codes({})).toEqual([])
    expect(codes({ twins: [twin] })).toEqual(['host.same_machine'])
    expect(codes({ twins: [{ ...twin, hasSameKey: false }] })).toEqual(['host.same_machine'])
    expect(codes({ twins: [twin], allowed: { duplicate: true, takeOver: false } })).toEqual([])
    expect(codes({ twins: [twin], owner: 'us' })).toEqual([])
  })

  it('the agent of a taken machine is replaced on purpose only', () => {
    for (const owner of ['stranger', { hostId: OTHER }] as const) {
      expect(codes({ owner })).toEqual(['host.agent_taken'])
      expect(codes({ owner, allowed: { duplicate: true, takeOver: false } })).toEqual(['host.agent_taken'])
      expect(codes({ owner, allowed: { duplicate: true, takeOver: true } })).toEqual([])
    }
    for (const owner of ['nobody', 'us', 'forgotten'] as const) expect(codes({ owner })).toEqual([])
  })

  it('names the other host only where that may be told', () => {
    const messages = (name: string | null) =>
      decideMachine({ ...VIEW, owner: { hostId: OTHER }, ownerName: name, twins: [{ ...twin, name }] })
        .map(({ message }) => message)
        .join(' ')
    expect(messages('web-1')).toContain('web-1')
    expect(messages(null)).not.toContain('web-1')
    expect(messages(null)).toContain('another host of this fleet')
  })
})

describe('what a host says of its machine', () => {
  it.each(['', 'uninitialized', '0'.repeat(32), 'x'.repeat(32), 'a'.repeat(33), '../../etc', 'A'.repeat(32)])(
    'the text %j is no machine id',
    (id) => {
      expect(parsePreflight(toReport({ machine_id: id })).machine_id).toBeUndefined()
    },
  )

  it.each([
    ['32768 60999', { first: 32_768, last: 60_999 }],
    ['', undefined],
    ['a b', undefined],
    ['1', undefined],
  ])('the text %j is read as a range of ephemeral ports, or as none', (line, range) => {
    expect(parsePreflight(toReport({ ephemeral: line })).ephemeral).toEqual(range)
  })
})
