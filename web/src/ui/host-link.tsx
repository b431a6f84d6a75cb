import { Link } from '@tanstack/react-router'
import { Reason } from './reason.tsx'
import { Untrusted } from './untrusted.tsx'

/** Names a host in a table, with a link to its page and the reason for its state. */
export const HostLink = ({ host, reason }: { host: string; reason: string | null }) => (
  <>
    <Link to="/hosts/$host" params={{ host }} className="row-link">
      <Untrusted>{host}</Untrusted>
    </Link>
    <Reason text={reason} size="xs" c="dimmed" />
  </>
)
