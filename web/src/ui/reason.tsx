import { Text, type TextProps } from '@mantine/core'
import { Untrusted } from './untrusted.tsx'

/** Says why something is as it is, in the words of whoever knows it; nothing where there is no reason. */
export const Reason = ({ text, ...style }: TextProps & { text: string | null | undefined }) =>
  text ? (
    <Text size="sm" {...style}>
      <Untrusted>{text}</Untrusted>
    </Text>
  ) : null
