import { notifications } from '@mantine/notifications'
import { Link } from '@tanstack/react-router'
import { ApiError, call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { toMessage } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { type BulkStates, countsOf, doForEach } from './bulk-work.ts'

const MAX_NAMED = 5
const SHOWN_MS = 6000

/** A command that went away with its host, as a removal does for whoever sees some hosts only. */
const readCommand = async (id: string) =>
  (
    await call('showCommand', { params: { id } }).catch((error) => {
      if (error instanceof ApiError && error.status === 404) return { command: undefined }
      throw error
    })
  ).command

let last = 0

/** Does the same for each host and tells, on whichever page, how far it has come and how each ended. */
export async function doAndTell(
  what: string,
  hosts: readonly string[],
  act: (host: string) => Promise<{ commandId: string } | undefined>,
): Promise<void> {
  const id = `bulk ${++last}`
  const begun = { id, title: what, autoClose: false as const, loading: true, message: '' }
  const tell = (states: BulkStates) => {
    const { done, failed, open, all } = countsOf(states)
    return t('bulk.progress', { done, failed, open, all })
  }
  notifications.show(begun)
  const states = await doForEach(hosts, {
    act,
    readCommand,
    toMessage,
    wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    onChange: (now) => notifications.update({ ...begun, message: tell(now) }),
  })
  const { done, all } = countsOf(states)
  notifications.update({
    id,
    loading: false,
    title: `${what}: ${t('bulk.done', { done, all })}`,
    color: done === all ? 'green' : 'red',
    autoClose: done === all ? SHOWN_MS : false,
    message: <Failures states={states} />,
  })
}

function Failures({ states }: { states: BulkStates }) {
  const failed = [...states].flatMap(([host, state]) => (state.is === 'failed' ? [{ host, ...state }] : []))
  const unknown = [...states].filter(([, { is }]) => is === 'under-way').length
  return (
    <>
      {failed.slice(0, MAX_NAMED).map(({ host, why, commandId }) => (
        <div key={host}>
          {commandId ? (
            <Link to="/commands/$id" params={{ id: commandId }}>
              <Untrusted>{host}</Untrusted>
            </Link>
          ) : (
            <Untrusted>{host}</Untrusted>
          )}
          : <Untrusted>{why}</Untrusted>
        </div>
      ))}
      {failed.length > MAX_NAMED && <div>{t('bulk.more', { count: failed.length - MAX_NAMED })}</div>}
      {unknown > 0 && <div>{t('bulk.unknown', { count: unknown })}</div>}
    </>
  )
}
