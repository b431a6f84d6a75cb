import { Button, Group, Text, TextInput } from '@mantine/core'
import { type CommandView, isFinalState } from '@rollcall/contracts/admin'
import { type KeyboardEvent, useRef, useState } from 'react'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { Failure } from '../../ui/resource-form.tsx'
import { saveAs } from '../../ui/save-as.ts'
import { toMessage } from '../../ui/states.tsx'
import { useRequest } from '../../ui/use-request.ts'
import { readOutput } from './stored-output.ts'

const MAX_DOWNLOADED = 2 * 1024 ** 3

/** Searches all of the output, a page at a time, from the last hit on. */
export function Search({ command, onHit }: { command: CommandView; onHit(offset: number): Promise<void> }) {
  const [text, setText] = useState('')
  const [state, setState] = useState<string>('')
  const next = useRef(0)
  const search = async () => {
    const wanted = text.toLowerCase()
    if (!wanted) return
    setState(t('output.searching'))
    let carried = ''
    let position = next.current
    try {
      // One that runs has written more since the page was opened.
      const { outputBytes } = (await call('showCommand', { params: { id: command.id } })).command
      for await (const { data } of readOutput(command.id, next.current, outputBytes)) {
        // One character for each byte, so that places in the text are offsets.
        const part = Array.from(data, (byte) => String.fromCharCode(byte)).join('')
        const whole = carried + part
        const found = whole.toLowerCase().indexOf(latin1(wanted))
        if (found >= 0) {
          const offset = position - carried.length + found
          next.current = offset + 1
          setState('')
          return await onHit(offset)
        }
        position += part.length
        carried = whole.slice(-wanted.length * 4)
      }
      setState(next.current === 0 ? t('output.notFound') : t('output.noMore'))
      next.current = 0
    } catch (error) {
      setState(toMessage(error))
    }
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') void search()
  }
  return (
    <Group gap={4}>
      <TextInput
        size="xs"
        w={180}
        value={text}
        placeholder={t('output.search')}
        aria-label={t('output.search')}
        onKeyDown={onKeyDown}
        onChange={(event) => {
          next.current = 0
          setState('')
          setText(event.currentTarget.value)
        }}
      />
      <Text size="xs" c="dimmed" role="status">
        {state}
      </Text>
    </Group>
  )
}

const latin1 = (text: string) =>
  Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('')

export function Download({ command }: { command: CommandView }) {
  const download = useRequest(async () => {
    const parts: BlobPart[] = []
    // One that runs has written more since the page was opened.
    const { outputBytes } = (await call('showCommand', { params: { id: command.id } })).command
    for await (const { data } of readOutput(command.id, 0, Math.min(outputBytes, MAX_DOWNLOADED)))
      parts.push(data)
    saveAs(parts, `${command.host.name}-${command.id.slice(0, 8)}.log`)
  })
  return (
    <>
      <Button
        size="xs"
        variant="default"
        onClick={() => download.mutate()}
        loading={download.isPending}
        disabled={isFinalState(command.state) && command.outputBytes === 0}
      >
        {t('output.download')}
      </Button>
      <Failure error={download.error} />
    </>
  )
}
