import { TagsInput } from '@mantine/core'
import { keepPreviousData } from '@tanstack/react-query'
import { type KeyboardEvent, useState } from 'react'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import { offered } from './offered-hosts.ts'

/** Names of hosts, of which those that fit what is typed are on offer. Enter takes the first of them. */
export function HostsInput(props: {
  value: string[]
  onChange(hosts: string[]): void
  error: string | undefined
}) {
  const [typed, setTyped] = useState('')
  const search = typed.trim()
  const query = { limit: 20, search: search || undefined }
  const found = useAnswer('listAgents', { query }, { placeholderData: keepPreviousData })
  const options = offered(found.data?.agents.map(({ host }) => host) ?? [], search, props.value)
  /** The list may have come after the last key, when none of it was marked yet. */
  const onKeyDown = (event: KeyboardEvent) => {
    const [first] = options
    const isMarked = document.querySelector('[data-combobox-option][data-combobox-selected]') !== null
    if (event.key !== 'Enter' || search === '' || isMarked || !first) return
    event.preventDefault()
    setTyped('')
    props.onChange([...props.value, first])
  }
  return (
    <TagsInput
      label={t('run.hosts')}
      description={t('run.hostsHint')}
      value={props.value}
      onChange={props.onChange}
      onSearchChange={setTyped}
      searchValue={typed}
      data={options}
      // They are those that fit, in their order: nothing is left out again.
      filter={({ options: all }) => all}
      selectFirstOptionOnChange
      onKeyDown={onKeyDown}
      splitChars={[',', ' ']}
      error={props.error}
      maxDropdownHeight={260}
    />
  )
}
