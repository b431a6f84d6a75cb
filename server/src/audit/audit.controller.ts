import { Controller, Header } from '@nestjs/common'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { AuditRepository } from './audit.repository.ts'
import { toChainCheckView, toJsonLines } from './audit.view.ts'

@Controller()
export class AuditController {
  constructor(private readonly entries: AuditRepository) {}

  @Endpoint('listAudit')
  async list(@Input() { query }: InputOf<'listAudit'>) {
    return this.entries.list(query)
  }

  @Endpoint('verifyAudit')
  async verify() {
    return toChainCheckView(await this.entries.verify())
  }

  @Endpoint('exportAudit')
  @Header('content-disposition', 'attachment; filename="rollcall-audit.jsonl"')
  async export(@Input() { query }: InputOf<'exportAudit'>) {
    return toJsonLines(await this.entries.page(query.after, query.limit))
  }
}
