const SHOWN = /([\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]+)/u

/** Text that somebody else has written. It is shown and never acts: no markup, and what cannot be seen is made visible. */
export function Untrusted({ children }: { children: string | null | undefined }) {
  const parts = (children ?? '').split(SHOWN)
  return (
    <bdi className="untrusted">
      {parts.map((part, i) =>
        i % 2 === 1 ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: parts of one text, which are drawn anew together
          <mark key={i}>
            {[...part].map((char) => `U+${char.codePointAt(0)?.toString(16).padStart(4, '0')}`).join(' ')}
          </mark>
        ) : (
          part
        ),
      )}
    </bdi>
  )
}
