import type { NewServicePlan, ServicePlanApplied, ServicePlanView } from '@rollcall/contracts/admin'
import type { AskedImages } from './plan/image-choice.ts'

/** The request of a plan, and what it would do: sealed, since it holds the file with its variables. */
export interface PlanContent {
  request: Pick<NewServicePlan, 'text' | 'variables' | 'files' | 'project' | 'prune' | 'removedVolumes'> &
    Partial<Pick<NewServicePlan, 'newerImages'>>
  /** The answers of registries about its images; missing where an earlier release has made it. */
  asked?: AskedImages
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
  /** A person with all their keys, or a key of no person; null for plans of an earlier release. */
  requesterId: string | null
  createdAt: Date
  appliedAt: Date | null
  applied: ServicePlanApplied | null
}
