import type { DiskReport, PreflightReport } from './preflight-report.ts'

export interface StagingPlace {
  path: string
  disk: DiskReport
}

/** File systems whose server may give root no rights, whatever the mode of a file. */
const FOREIGN =
  /^type=(nfs\d?|cifs|smb\d?|smbfs|fuse\b.*|afs|ceph|lustre|gpfs|beegfs|9p|virtiofs|autofs|ncpfs|gfs2|ocfs2|ecryptfs)$/

/**
 * Chooses where uploads of an SSH user wait. The name is fixed, so that a run which follows one that died finds what that
 * left. In the home only when it belongs to the user, nobody else can write there, root works in the very same folder and
 * there is room; otherwise in /var/tmp, whose sticky bit keeps others from replacing the folder once it is ours.
 */
export function stagingOf(report: PreflightReport, uploadBytes: number): StagingPlace {
  const [home, shared] = placesOf(report)
  if (!home) return shared
  const hasRoom = ({ disk }: StagingPlace) => disk.freeBytes === undefined || disk.freeBytes >= uploadBytes
  return !hasRoom(home) && hasRoom(shared) ? shared : home
}

/** Everywhere that an installation by this user may have left uploads. */
export function stagingPlaces(report: PreflightReport): StagingPlace[] {
  return placesOf(report).filter((place) => place !== undefined)
}

function placesOf(report: PreflightReport): [StagingPlace | undefined, StagingPlace] {
  const shared = { path: `/var/tmp/.rollcall-staging-${report.uid}`, disk: report.disk_var_tmp }
  const { home, home_id, home_seen, disk_home } = report
  if (home === undefined || home === '/') return [undefined, shared]
  const isSameForRoot = home_id !== undefined && home_id !== '' && home_id === home_seen
  const isForeign = report.uid !== 0 && [...disk_home.options].some((option) => FOREIGN.test(option))
  if (!isSameForRoot || isForeign) return [undefined, shared]
  return [{ path: `${home.replace(/\/+$/, '')}/.rollcall-staging`, disk: disk_home }, shared]
}
