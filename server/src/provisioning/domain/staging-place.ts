import type { DiskReport, PreflightReport } from './preflight-report.ts'

/**
 * Where uploads of an SSH user wait. The name is fixed, so that a run which follows one that died finds what that left.
 * In the home only when it belongs to the user and nobody else can write there; otherwise in /var/tmp, whose sticky bit
 * keeps others from replacing the folder once it is ours.
 */
export function stagingOf(report: PreflightReport): { path: string; disk: DiskReport } {
  if (report.home !== undefined && report.home !== '/')
    return { path: `${report.home.replace(/\/+$/, '')}/.rollcall-staging`, disk: report.disk_home }
  return { path: `/var/tmp/.rollcall-staging-${report.uid}`, disk: report.disk_var_tmp }
}
