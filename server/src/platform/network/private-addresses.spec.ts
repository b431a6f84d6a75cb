import { expect, it } from 'vitest'
import { isPrivateAddress, reachableFrom } from './private-addresses.ts'

it.each([
  ['10.1.2.3', true],
  ['172.31.0.1', true],
  ['172.32.0.1', false],
  ['192.168.9.9', true],
  ['100.64.0.1', true],
  ['::ffff:10.0.0.1', true],
  ['fd12::1', true],
  ['8.8.8.8', false],
  ['2001:db8::1', false],
])('the address %s is told to be private or not', (address, expected) => {
  expect(isPrivateAddress(address)).toBe(expected)
})

it('a public machine leads to public ones only, and a private one anywhere', () => {
  const to = ['10.0.0.1', '8.8.8.8']
  expect(reachableFrom(['1.1.1.1'], to)).toEqual(['8.8.8.8'])
  expect(reachableFrom(['1.1.1.1'], ['10.0.0.1'])).toEqual([])
  expect(reachableFrom(['192.168.0.1'], to)).toEqual(to)
})
