import { Button, type ButtonProps } from '@mantine/core'
import type { Permission } from '@rollcall/contracts/admin'
import { Link, type LinkProps } from '@tanstack/react-router'
import { useMay } from '../api/session.ts'

interface Props extends Pick<ButtonProps, 'size' | 'variant'> {
  label: string
  to: LinkProps['to']
  params?: Record<string, string>
  search?: Record<string, string>
  /** The permission without which it is not offered. */
  needs?: Permission
}

/** Draws a button that leads to another page. */
export function LinkButton({ label, needs, ...rest }: Props) {
  if (!useMay(needs)) return null
  return (
    <Button component={Link} {...(rest as object)}>
      {label}
    </Button>
  )
}
