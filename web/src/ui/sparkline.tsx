const WIDTH = 58
const HEIGHT = 20

/** Percentages over time, a gap where there is none. */
export function Sparkline({
  values,
  label,
  color,
}: {
  values: (number | null)[]
  label: string
  color: string
}) {
  const step = WIDTH / Math.max(1, values.length - 1)
  let path = ''
  let isDrawing = false
  values.forEach((value, i) => {
    if (value === null) isDrawing = false
    else {
      path += `${isDrawing ? 'L' : 'M'}${(i * step).toFixed(1)} ${(HEIGHT - 1 - (value / 100) * (HEIGHT - 2)).toFixed(1)}`
      isDrawing = true
    }
  })
  return (
    <svg width={WIDTH} height={HEIGHT} role="img" aria-label={label}>
      <path d={path} fill="none" stroke={color} strokeWidth="1.5" strokeLinejoin="round" />
    </svg>
  )
}
