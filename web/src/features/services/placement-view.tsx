import { Progress, Text } from '@mantine/core'
import type { PlacementRejection, PlacementView, ScoredHostView } from '@rollcall/contracts/admin'
import { t } from '../../i18n/index.tsx'
import { ResourceTable } from '../../ui/resource-table.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'

type Terms = ScoredHostView['terms']

/** Terms of a score that add to it, with the colour of their part of the bar. */
const TERMS = [
  { term: 'load', color: 'cyan.7' },
  { term: 'spread', color: 'grape.6' },
  { term: 'affinity', color: 'orange.7' },
  { term: 'preference', color: 'lime.8' },
] as const satisfies readonly { term: keyof Terms; color: string }[]

const MAX_SCORE = 100

/** Returns the terms of a score in words: `load 31, spread 25`. */
export const termsText = (terms: Terms): string =>
  [...TERMS.map(({ term }) => term), 'flaps' as const]
    .filter((term) => terms[term] !== 0)
    .map((term) => `${t(`placement.term.${term}`)} ${terms[term]}`)
    .join(', ')

/** Draws a score as a bar with a part for each term, and the same in words. */
export const ScoreBar = ({ score: { score, terms } }: { score: ScoredHostView }) => (
  <div style={{ minWidth: 180 }}>
    <Progress.Root size={10} role="img" aria-label={`${score}: ${termsText(terms)}`}>
      {TERMS.filter(({ term }) => terms[term] > 0).map(({ term, color }) => (
        <Progress.Section key={term} withAria={false} value={(100 * terms[term]) / MAX_SCORE} color={color} />
      ))}
    </Progress.Root>
    <Text size="xs" c="dimmed" mt={2}>
      {termsText(terms)}
    </Text>
  </div>
)

/** Shows the best hosts for a slot with what their scores are made of; the chosen one is the first. */
export const BestHosts = ({ best }: Pick<PlacementView, 'best'>) => (
  <ResourceTable
    rows={best}
    toKey={({ host }) => host}
    minWidth={420}
    columns={[
      { head: t('fleet.host'), cell: ({ host }) => <Untrusted>{host}</Untrusted> },
      { head: t('placement.score'), width: 80, cell: ({ score }) => <b className="num">{score}</b> },
      { head: t('placement.terms'), cell: (score) => <ScoreBar score={score} /> },
    ]}
  />
)

const exampleText = ({ host, evidence }: PlacementRejection['examples'][number]) =>
  evidence === null ? host : `${host} (${evidence})`

/** Shows how many hosts of those that were looked at a condition ruled out, as bars too, with some of them by name. */
export const Rejections = ({ rejections, hosts }: Pick<PlacementView, 'rejections' | 'hosts'>) => (
  <ResourceTable
    rows={rejections}
    toKey={({ filter, detail }) => `${filter} ${detail}`}
    minWidth={420}
    columns={[
      {
        head: t('placement.hosts'),
        width: 160,
        cell: ({ count }) => (
          <>
            <b className="num">{count}</b>
            <Progress size={8} value={(100 * count) / Math.max(1, hosts)} color="gray" aria-hidden />
          </>
        ),
      },
      { head: t('placement.condition'), cell: ({ filter }) => t(`placement.filter.${filter}`) },
      { head: t('placement.detail'), cell: ({ detail }) => <Untrusted>{detail}</Untrusted> },
      {
        head: t('placement.examples'),
        cell: ({ examples }) => (
          <Text size="xs" c="dimmed">
            <Untrusted>{examples.map(exampleText).join(', ')}</Untrusted>
          </Text>
        ),
      },
    ]}
  />
)
