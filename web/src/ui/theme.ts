import { createTheme, rem } from '@mantine/core'

/** For inputs that hold code. */
export const CODE_INPUT = {
  spellCheck: false,
  styles: { input: { fontFamily: 'var(--mantine-font-family-monospace)' } },
}

export const theme = createTheme({
  primaryColor: 'cyan',
  primaryShade: 9,
  fontFamily: "'Inter Variable', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', system-ui, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'JetBrains Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace",
  defaultRadius: 'md',
  fontSizes: { xs: rem(12), sm: rem(13), md: rem(14), lg: rem(16), xl: rem(20) },
  headings: {
    fontWeight: '600',
    sizes: { h1: { fontSize: rem(22) }, h2: { fontSize: rem(16) }, h3: { fontSize: rem(14) } },
  },
  components: {
    // Below its field: fields beside each other stand in one line, whether they have a hint or not.
    InputWrapper: { defaultProps: { inputWrapperOrder: ['label', 'input', 'description', 'error'] } },
    Button: { defaultProps: { size: 'sm' } },
    Table: { defaultProps: { verticalSpacing: 6, fz: 'sm' } },
  },
})
