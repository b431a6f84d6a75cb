import { Alert, Checkbox, SimpleGrid, Text, Textarea, TextInput } from '@mantine/core'
import type { ImportedHost, Problem } from '@rollcall/inventory'
import { Link } from '@tanstack/react-router'
import { type MessageKey, t } from '../../i18n/index.tsx'
import { Reason } from '../../ui/reason.tsx'
import { ResourceForm } from '../../ui/resource-form.tsx'
import { ResourceTable } from '../../ui/resource-table.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { CODE_INPUT } from '../../ui/theme.ts'
import { Untrusted } from '../../ui/untrusted.tsx'
import { Labels } from '../fleet/fleet-row.tsx'
import { toLabels } from './credential.ts'
import { CredentialFields } from './credential-fields.tsx'
import { type FleetHost, knownAs } from './known-hosts.ts'
import { type Outcome, useHostImport } from './use-host-import.ts'

/** Drawn of a long list; all of it is added. */
const MAX_ROWS = 500
const MAX_UNREAD = 10

/** Shows a list, an inventory or an OpenSSH config as hosts before anything is done, and adds those that are chosen. */
export function ManyHosts() {
  const state = useHostImport()
  const { hostImport, hosts, unread, chosen } = state
  const { getInputProps, values } = hostImport.form
  return (
    <ResourceForm
      form={hostImport}
      submit={t('addHosts.add', { count: chosen.length })}
      isDisabled={chosen.length === 0}
    >
      <Textarea
        label={t('addHosts.text')}
        description={t('addHosts.hint')}
        autosize
        minRows={5}
        maxRows={16}
        placeholder={'root@192.0.2.10 web-01\n[web]\nweb-02 ansible_host=192.0.2.11'}
        {...CODE_INPUT}
        {...getInputProps('text')}
      />
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
        <TextInput label={t('addHosts.user')} {...getInputProps('user')} />
        <TextInput label={t('addHost.labels')} {...getInputProps('labels')} />
      </SimpleGrid>
      <CredentialFields inputProps={getInputProps} type={values.type} />
      <Alert color="yellow">{t('addHosts.keys')}</Alert>
      {unread.length > 0 && <UnreadLines unread={unread} />}
      {hosts.length > 0 && <ImportedHosts state={state} />}
    </ResourceForm>
  )
}

type ImportState = ReturnType<typeof useHostImport>

const UnreadLines = ({ unread }: Pick<ImportState, 'unread'>) => (
  <Alert color="red" title={t('addHosts.unread')}>
    {unread.slice(0, MAX_UNREAD).map(({ line, text, reason }) => (
      <div key={`${line} ${reason}`}>
        {line > 0 && `${line}: `}
        <Untrusted>{text.slice(0, 200)}</Untrusted> {reason}
      </div>
    ))}
    {unread.length > MAX_UNREAD && t('addHosts.moreUnread', { count: unread.length - MAX_UNREAD })}
  </Alert>
)

function ImportedHosts({ state }: { state: ImportState }) {
  const { hostImport, hosts, known, outcomes, isChosen, choose } = state
  const { user, labels } = hostImport.form.values
  return (
    <ResourceTable
      rows={hosts.slice(0, MAX_ROWS)}
      toKey={({ name }) => name}
      minWidth={520}
      columns={[
        {
          head: '',
          cell: (host) => (
            <Checkbox
              aria-label={host.name}
              checked={isChosen(host)}
              disabled={known.byName.has(host.name)}
              onChange={(event) => choose(host.name, event.currentTarget.checked)}
            />
          ),
        },
        { head: t('addHost.name'), cell: ({ name }) => name },
        {
          head: t('addHost.address'),
          cell: ({ address, port }) => (port === 22 ? address : `${address}:${port}`),
        },
        { head: t('addHost.user'), cell: (host) => host.user ?? user },
        {
          head: t('addHost.labels'),
          cell: (host) => <Labels labels={{ ...host.labels, ...toLabels(labels) }} />,
        },
        {
          head: t('addHosts.outcome'),
          cell: (host) => {
            const there = knownAs(known, host)
            const outcome = outcomes.get(host.name)
            const isShownByFleet = there && !(outcome && 'error' in outcome)
            return (
              <>
                {there && <InFleet host={there} pastedAs={host.name} />}
                {outcome && !isShownByFleet && <OutcomeText outcome={outcome} />}
                {!outcome && !there && <Remarks host={host} />}
              </>
            )
          },
        },
      ]}
    />
  )
}

/** Shows why a host is left unchecked, and what of it is not taken along. It can be added all the same, as it is shown. */
const Remarks = ({ host: { problems, notes } }: { host: ImportedHost }) => (
  <>
    {problems.map((problem) => (
      <ProblemText key={problem.code} problem={problem} />
    ))}
    {notes.map((note) => (
      <Text key={note}>{t(`addHosts.note.${note}`)}</Text>
    ))}
  </>
)

function ProblemText({ problem: { code, detail } }: { problem: Problem }) {
  const key: MessageKey = `addHosts.problem.${code}`
  return (
    <Text c="var(--warn)">
      {t(key)} <Untrusted>{detail.slice(0, 200)}</Untrusted>
    </Text>
  )
}

const OutcomeText = ({ outcome }: { outcome: Outcome }) =>
  'error' in outcome ? (
    <Text c="red">{outcome.error}</Text>
  ) : (
    <Link to="/commands/$id" params={{ id: outcome.commandId }}>
      {t('addHosts.installing')}
    </Link>
  )

/** Shows what a pasted host is in the fleet, as it is now: installing, online, or why not. */
function InFleet({ host, pastedAs }: { host: FleetHost; pastedAs: string }) {
  const { name, state, stateReason, lastProvisioning } = host
  const isUnderWay = state === 'installing' || state === 'install_failed'
  return (
    <div data-in-fleet={name}>
      <StateBadge state={state} reason={stateReason} />{' '}
      {name !== pastedAs && `${t('addHosts.inFleetAs', { name })} `}
      {isUnderWay && lastProvisioning ? (
        <Link to="/commands/$id" params={{ id: lastProvisioning }}>
          {t('host.installLog')}
        </Link>
      ) : (
        <Link to="/hosts/$host" params={{ host: name }}>
          {t('run.open')}
        </Link>
      )}
      {state === 'install_failed' && <Reason text={stateReason} size="xs" c="dimmed" />}
    </div>
  )
}
