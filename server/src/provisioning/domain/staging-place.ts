import type { DiskReport, PreflightReport } from './preflight-report.ts'

export interface StagingPlace {
  path: string
  disk: DiskReport
}

/** File systems whose server may deny root access regardless of file modes. */
const FOREIGN =
  /^type=(nfs\d?|cifs|smb\d?|smbfs|fuse\b.*|afs|ceph|lustre|gpfs|beegfs|9p|virtiofs|autofs|ncpfs|gfs2|ocfs2|ecryptfs)$/

/**
 * Chooses where an SSH user's uploads are staged. The name is fixed, so a later run finds what an earlier one left.
 * Uses the home folder only if it is private, accessible to root and large enough; otherwise /var/tmp, whose sticky bit
 * protects the folder.
 */
export function chooseStaging(report: PreflightReport, uploadBytes: number): StagingPlace {
  const [home, shared] = toPlaces(report)
  if (!home) return shared
  const hasRoom = ({ disk }: StagingPlace) => disk.freeBytes === undefined || disk.freeBytes >= uploadBytes
  return !hasRoom(home) && hasRoom(shared) ? shared : home
}

/** Returns every place where an installation by this user may have left uploads. */
export function stagingPlaces(report: PreflightReport): StagingPlace[] {
  return toPlaces(report).filter((place) => place !== undefined)
}

function toPlaces(report: PreflightReport): [StagingPlace | undefined, StagingPlace] {
  const shared = { path: `/var/tmp/.rollcall-staging-${report.uid}`, disk: report.disk_var_tmp }
  const { home, home_id, home_seen, disk_home } = report
  if (home === undefined || home === '/') return [undefined, shared]
  const isSameForRoot = home_id !== undefined && home_id !== '' && home_id === home_seen
  const isForeign = report.uid !== 0 && [...disk_home.options].some((option) => FOREIGN.test(option))
  if (!isSameForRoot || isForeign) return [undefined, shared]
  return [{ path: `${home.replace(/\/+$/, '')}/.rollcall-staging`, disk: disk_home }, shared]
}
