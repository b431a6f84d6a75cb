import type { NewServicePlan, ServicePlanApplied, ServicePlanView } from '@rollcall/contracts/admin'

/** The request of a plan, and what it would do: sealed, since it holds the file with its variables. */
export interface PlanContent {
  request: Pick<NewServicePlan, 'text' | 'variables' | 'files' | 'project' | 'prune' | 'removedVolumes'>
  view: Pick<ServicePlanView, 'services' | 'order' | 'notes'>
}

export interface PlanRecord {
  id: string
  project: string
  digest: string
  content: PlanContent
  /** Label selectors of whoever asked; null for all hosts. */
  scope: string[] | null
  requestedBy: string
  createdAt: Date
  appliedAt: Date | null
  applied: ServicePlanApplied | null
}
