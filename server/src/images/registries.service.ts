import { X509Certificate } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { NewRegistry } from '@rollcall/contracts/admin'
import { Clock } from '../platform/clock/clock.ts'
import type { Registry } from './domain/registry.ts'
import { RegistriesRepository } from './registries.repository.ts'
import { RegistryResolver } from './registry/registry-resolver.ts'

/** Registries that have settings of their own. */
@Injectable()
export class RegistriesService {
  constructor(
    private readonly registries: RegistriesRepository,
    private readonly resolver: RegistryResolver,
    private readonly clock: Clock,
  ) {}

  list(): Promise<Registry[]> {
    return this.registries.list()
  }

  /** Sets how a registry is reached, in place of earlier settings. Throws `request.invalid` for what are no certificates. */
  async add(request: NewRegistry, addedBy: string): Promise<{ registry: Registry; isNew: boolean }> {
    if (request.ca !== null) requireCertificates(request.ca)
    const registry = { ...request, addedBy, addedAt: this.clock.now() }
    const isNew = await this.registries.store(registry)
    this.resolver.forget()
    return { registry, isNew }
  }

  /** Removes the settings of a registry. Throws `registry.not_found`. */
  async remove(host: string): Promise<void> {
    const wasThere = await this.registries.remove(host)
    this.resolver.forget()
    if (wasThere) return
    throw new RollcallError(
      'registry.not_found',
      `Nothing is set for the registry ${host}. List them: rollcall registry list`,
    )
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

function requireCertificates(pem: string): void {
  const certificates = pem.match(CERTIFICATE) ?? []
  try {
    for (const each of certificates) new X509Certificate(each)
    if (certificates.length > 0) return
  } catch (cause) {
    throw noCertificates(cause)
  }
  throw noCertificates()
}

const noCertificates = (cause?: unknown) =>
  new RollcallError('request.invalid', 'The authority must be a file of certificates in PEM.', {
    fields: [{ field: 'ca', message: 'must hold certificates in PEM' }],
    cause,
  })
