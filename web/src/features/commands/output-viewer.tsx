import { Button, Checkbox, Group, Text } from '@mantine/core'
import type { CommandView } from '@rollcall/contracts/admin'
import { useState } from 'react'
import { t } from '../../i18n/index.tsx'
import { bytesText } from '../../ui/words.ts'
import { isOver } from './is-over.ts'
import { OutputPane } from './output-pane.tsx'
import { Download, Search } from './output-tools.tsx'
import { useOutputWindow } from './use-output-window.ts'

interface Props {
  command: CommandView
  onCommand(command: CommandView): void
  height?: string
}

/** The output from its end, to be scrolled through to its beginning. What is not seen is not kept: a hundred megabytes cost as much as one. */
export function OutputViewer({ command, onCommand, height = '60vh' }: Props) {
  const [isErrOnly, setErrOnly] = useState(false)
  const [hit, setHit] = useState<number>()
  /** A place that was asked for by a button: the pane goes there once it is drawn. */
  const [place, setPlace] = useState<{ at: 'start' | 'end' | number }>()
  const view = useOutputWindow(command, isErrOnly ? 'stderr' : undefined, onCommand)
  const { window, isFollowing, setFollowing } = view
  const hasEnded = isOver(command)
  const goTo = async (offset: number) => {
    setFollowing(false)
    await view.goTo(offset)
    setHit(offset)
    setPlace({ at: offset })
  }
  const toStart = async () => {
    setFollowing(false)
    setHit(undefined)
    await view.goTo(0)
    setPlace({ at: 'start' })
  }
  const toEnd = async () => {
    setHit(undefined)
    if (!window.isAtEnd || !hasEnded) await view.toEnd()
    setFollowing(true)
    setPlace({ at: 'end' })
  }
  return (
    <div>
      <Group gap="xs" mb="xs">
        {hasEnded ? (
          <Button size="xs" variant="default" onClick={toEnd}>
            {t('output.end')}
          </Button>
        ) : (
          <Button
            size="xs"
            variant={isFollowing ? 'filled' : 'default'}
            aria-pressed={isFollowing}
            onClick={() => (isFollowing ? setFollowing(false) : toEnd())}
          >
            {isFollowing ? t('output.pause') : t('output.follow')}
          </Button>
        )}
        <Button size="xs" variant="default" onClick={toStart}>
          {t('output.beginning')}
        </Button>
        <Search command={command} onHit={goTo} />
        <Checkbox
          size="xs"
          label={t('output.errOnly')}
          checked={isErrOnly}
          onChange={(event) => {
            setHit(undefined)
            setErrOnly(event.currentTarget.checked)
          }}
        />
        <Download command={command} />
        <Text size="xs" c="dimmed" ml="auto" data-testid="place">
          {t('output.place', {
            from: bytesText(window.start),
            to: bytesText(window.end),
            size: bytesText(Math.max(command.outputBytes, window.end)),
          })}
          {command.droppedBytes > 0 && ` · ${t('output.dropped', { size: bytesText(command.droppedBytes) })}`}
        </Text>
      </Group>
      {view.error && (
        <Text c="red" size="sm" role="alert">
          {view.error}
        </Text>
      )}
      <OutputPane
        view={view}
        hit={hit}
        place={place}
        height={height}
        isErrOnly={isErrOnly}
        isRunning={!hasEnded}
      />
    </div>
  )
}
