import { Stack, Text } from '@mantine/core'
import { useSearch } from '@tanstack/react-router'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { Loaded } from '../../ui/loaded.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { EXAMPLE } from './example.ts'
import { PlanForm } from './plan-form.tsx'

export const page = {
  path: '/services/plan',
  needs: 'services:write',
  search: ['from'],
} satisfies PageEntry

/** Plans a service file: one of one's own, the example, or that of an earlier plan, which `from` names. */
export default function PlanPage() {
  const { from } = useSearch({ from: '/inside/services/plan' }) as { from?: string }
  return (
    <Stack>
      <PageHeader title={t('plan.title')} below={<Text size="sm">{t('plan.text')}</Text>} />
      {from === undefined || from === 'example' ? (
        <PlanForm key={from} source={from ?? 'own'} text={from === 'example' ? EXAMPLE : ''} files={[]} />
      ) : (
        <EarlierPlan key={from} id={from} />
      )}
    </Stack>
  )
}

function EarlierPlan({ id }: { id: string }) {
  const plan = useAnswer('showServicePlanText', { params: { id } }, { staleTime: Number.POSITIVE_INFINITY })
  return (
    <Loaded query={plan}>
      {({ text, files, variables }) => (
        <PlanForm
          source={id}
          text={text}
          files={files}
          variables={variables.map((name) => `${name}=`).join('\n')}
        />
      )}
    </Loaded>
  )
}
