import { Button, Checkbox, Group, Text } from '@mantine/core'
import { type CommandView, isFinalState } from '@rollcall/contracts/admin'
import { useState } from 'react'
import { t } from '../../i18n/index.tsx'
import { bytesText } from '../../ui/format-values.ts'
import { Failure } from '../../ui/resource-form.tsx'
import { OutputPane } from './output-pane.tsx'
import { Download, Search } from './output-tools.tsx'
import { useOutputWindow } from './use-output-window.ts'

interface Props {
  command: CommandView
  onCommand(command: CommandView): void
  height?: string
}

/** Shows output from its end, to be scrolled through to its beginning. What is not seen is not kept: a hundred megabytes cost as much as one. */
export function OutputViewer({ command, onCommand, height = '60vh' }: Props) {
  const [isErrOnly, setErrOnly] = useState(false)
  const [hit, setHit] = useState<number>()
  /** A place that was asked for by a button: the pane goes there once it is drawn. */
  const [place, setPlace] = useState<{ at: 'start' | 'end' | number }>()
  const view = useOutputWindow(command, isErrOnly ? 'stderr' : undefined, onCommand)
  const { window, isFollowing, setFollowing } = view
  const hasEnded = isFinalState(command.state)
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
        <FollowButton
          hasEnded={hasEnded}
          isFollowing={isFollowing}
          onPause={() => setFollowing(false)}
          onEnd={toEnd}
        />
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
        <Place command={command} start={window.start} end={window.end} />
      </Group>
      <Failure error={view.error} />
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

interface FollowProps {
  hasEnded: boolean
  isFollowing: boolean
  onPause(): void
  onEnd(): void
}

function FollowButton({ hasEnded, isFollowing, onPause, onEnd }: FollowProps) {
  if (hasEnded)
    return (
      <Button size="xs" variant="default" onClick={onEnd}>
        {t('output.end')}
      </Button>
    )
  return (
    <Button
      size="xs"
      variant={isFollowing ? 'filled' : 'default'}
      aria-pressed={isFollowing}
      onClick={isFollowing ? onPause : onEnd}
    >
      {isFollowing ? t('output.pause') : t('output.follow')}
    </Button>
  )
}

const Place = ({ command, start, end }: { command: CommandView; start: number; end: number }) => (
  <Text size="xs" c="dimmed" ml="auto" data-testid="place">
    {t('output.place', {
      from: bytesText(start),
      to: bytesText(end),
      size: bytesText(Math.max(command.outputBytes, end)),
    })}
    {command.droppedBytes > 0 && ` · ${t('output.dropped', { size: bytesText(command.droppedBytes) })}`}
  </Text>
)
