import { relative, sep } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take minutes, the longest first. One that begins last keeps the machine waiting when all others have ended. */
const SLOW_FILES = [
  'test/e2e/shared-fleet.spec.ts',
  'test/e2e/playbooks.spec.ts',
  'test/e2e/upgrades.spec.ts',
  'test/provisioning/odd-hosts.spec.ts',
  'test/provisioning/interruptions.spec.ts',
  'test/provisioning/install.spec.ts',
  'test/browser/stories.spec.ts',
  'test/browser/pages.spec.ts',
  'test/e2e/service-host.spec.ts',
  'test/e2e/rotation.spec.ts',
  'test/e2e/main-job.spec.ts',
  'test/browser/newcomer.spec.ts',
  'test/e2e/services.spec.ts',
  'test/browser/forms.spec.ts',
  'test/attack/attack.spec.ts',
  'test/e2e/agent-units.spec.ts',
  'test/e2e/start.spec.ts',
  'test/faults/rotations.spec.ts',
  'test/e2e/host-reach.spec.ts',
  'test/provisioning/refusals.spec.ts',
  'test/host/host-package.spec.ts',
  'test/faults/chaos.spec.ts',
]

/** Begins with the files that take longest: a clean checkout has no record of earlier runs, by which vitest would know them. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const usual = await super.sort(files)
    return usual.sort((one, other) => groupOf(one) - groupOf(other) || rankOf(one) - rankOf(other))
  }
}

const groupOf = ({ project }: TestSpecification) => project.config.sequence.groupOrder

function rankOf({ moduleId, project }: TestSpecification): number {
  const path = relative(project.vitest.config.root, moduleId).split(sep).join('/')
  const index = SLOW_FILES.indexOf(path)
  return index < 0 ? SLOW_FILES.length : index
}
