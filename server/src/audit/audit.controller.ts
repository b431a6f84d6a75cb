import { Controller, Header } from '@nestjs/common'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { AuditRepository } from './audit.repository.ts'

@Controller()
export class AuditController {
  constructor(private readonly entries: AuditRepository) {}

  @Endpoint('listAudit')
  async list(@Input() { query }: InputOf<'listAudit'>) {
    return this.entries.list(query)
  }

  @Endpoint('verifyAudit')
  async verify() {
    const { entries, broken } = await this.entries.verify()
    return { entries, isIntact: broken === null, broken }
  }

  @Endpoint('exportAudit')
  @Header('content-disposition', 'attachment; filename="rollcall-audit.jsonl"')
  async export(@Input() { query }: InputOf<'exportAudit'>) {
    const entries = await this.entries.page(query.after, query.limit)
    return entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')
  }
}
