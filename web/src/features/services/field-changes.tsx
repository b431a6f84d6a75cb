import { Table, Text } from '@mantine/core'
import type { FieldChange } from '@rollcall/contracts/admin'
import { t } from '../../i18n/index.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'

/** Shows field by field what differs, by the path in the file: the value before struck out, the one after beside it. */
export function FieldChanges({ changes }: { changes: readonly FieldChange[] }) {
  if (changes.length === 0) return null
  return (
    <Table.ScrollContainer minWidth={420}>
      <Table layout="fixed" verticalSpacing={3}>
        <Table.Tbody>
          {changes.map(({ path, before, after, isHidden }) => (
            <Table.Tr key={path} style={{ verticalAlign: 'top' }}>
              <Table.Td w="36%">
                <Text size="xs" ff="monospace">
                  <Untrusted>{path}</Untrusted>
                </Text>
              </Table.Td>
              <Table.Td>
                <Text size="xs" ff="monospace" component="div">
                  {isHidden ? t('services.hidden') : <Values before={before} after={after} />}
                </Text>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

const Values = ({ before, after }: Pick<FieldChange, 'before' | 'after'>) => (
  <>
    {before !== null && (
      <del className="was">
        <Untrusted>{before}</Untrusted>
      </del>
    )}{' '}
    {after !== null && (
      <ins className="is">
        <Untrusted>{after}</Untrusted>
      </ins>
    )}
  </>
)
