import { describe, expect, it } from 'vitest'
import type { HostCapacity } from '../../../heartbeats/index.ts'
import { GIB } from '../placement/testing/views.ts'
import { toPlacementHost } from './placement-host.ts'

const capacity: HostCapacity = {
  id: 'h',
  name: 'app-1',
  state: 'online',
  stateCode: null,
  labels: {},
  architecture: 'x86_64',
  cores: 4,
  memory: { totalBytes: 8 * GIB, availableBytes: 4 * GIB, swapTotalBytes: 0, swapFreeBytes: 0 },
  disks: [
    { mount: '/', filesystem: 'ext4', totalBytes: 20 * GIB, availableBytes: 5 * GIB },
    { mount: '/var/lib', filesystem: 'ext4', totalBytes: 90 * GIB, availableBytes: 50 * GIB },
    { mount: '/var/lib/containers-old', filesystem: 'ext4', totalBytes: 9 * GIB, availableBytes: GIB },
  ],
  openPorts: [
    { protocol: 'tcp', address: '0.0.0.0', port: 22 },
    { protocol: 'tcp', address: '::', port: 22 },
    { protocol: 'tcp', address: '0.0.0.0', port: 8443 },
  ],
  containerEngines: [],
  cpuPercent: 25,
  memoryPercent: 50,
  silences: [],
}

describe('a host as placement sees it', () => {
  it('room, load and architecture come from what the host last reported, and images from the disk that holds them', () => {
    expect(toPlacementHost(capacity)).toMatchObject({
      architecture: 'amd64',
      capacity: { milliCpus: 4000, memoryBytes: 8 * GIB },
      measured: { milliCpus: 1000, memoryBytes: 4 * GIB },
      freeDiskBytes: 50 * GIB,
    })
  })

  it('a host is busy where its processors are all that is wrong with it', () => {
    const degradedBy = (stateCode: string) => toPlacementHost({ ...capacity, state: 'degraded', stateCode })
    expect(degradedBy('host.cpu_high').isBusy).toBe(true)
    expect(degradedBy('host.memory_high').isBusy).toBe(false)
    expect(toPlacementHost(capacity).isBusy).toBe(false)
  })

  it('a port in use belongs to the instance that has it, and otherwise to another program; each is there once', () => {
    const ports = [{ protocol: 'tcp' as const, port: 8443, holder: 'shop/web.1' }]
    const host = toPlacementHost(capacity, {
      instances: 1,
      reserved: { milliCpus: 0, memoryBytes: 0 },
      ports,
      images: [],
    })
    expect(host.ports).toEqual([
      { protocol: 'tcp', port: 8443, holder: 'shop/web.1' },
      { protocol: 'tcp', port: 22, holder: 'another program' },
    ])
  })

  it('a host that never reported has room for nothing', () => {
    const silent = { ...capacity, cores: null, memory: null, disks: [], architecture: null, openPorts: null }
    expect(toPlacementHost(silent)).toMatchObject({
      architecture: null,
      capacity: { milliCpus: 0, memoryBytes: 0 },
      freeDiskBytes: 0,
      ports: [],
    })
  })

  it('a host where docker alone was seen is one of docker, and one where nothing was seen may have podman', () => {
    const engine = (...names: ('podman' | 'docker')[]) =>
      toPlacementHost({
        ...capacity,
        containerEngines: names.map((name) => ({ name, total: 0, failure: null })),
      }).engine
    expect([engine('docker'), engine('docker', 'podman'), engine()]).toEqual(['docker', 'podman', 'podman'])
  })
})
