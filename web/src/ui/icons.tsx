/** Strokes on a field of 24 × 24, drawn in the colour of the text around them. */
const PATHS = {
  fleet: 'M4 5h16v5H4zM4 14h16v5H4zM7.5 7.5h.01M7.5 16.5h.01',
  run: 'M7 5l11 7-11 7z',
  runs: 'M4 6h16M4 12h16M4 18h10',
  commands: 'M5 7l5 5-5 5M12 18h7',
  schedules: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3 2',
  terminals: 'M3 5h18v14H3zM7 9.5l3 2.5-3 2.5M12.5 15H17',
  upgrades: 'M12 20V8M7 12l5-5 5 5M5 4h14',
  playbooks: 'M5 4h11a3 3 0 0 1 3 3v13H8a3 3 0 0 1-3-3zM9 9l1.5 1.5L13 8M9 15h6',
  files: 'M13 3H6v18h12V8zM13 3v5h5M12 18v-6M9.5 14.500L12 12l2.5 2.500',
  audit: 'M6 3h9l4 4v14H6zM15 3v4h4M9.5 12h6M9.5 16h6',
  users:
    'M9 5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM2.5 20c.6-4 3.2-6 6.5-6s5.9 2 6.5 6M16 5.5a3.2 3.2 0 0 1 0 6M18 14.6c2 .8 3.1 2.6 3.5 5.4',
  keys: 'M8 11a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM11.2 12.300L20 3.500M16.5 7l3 3M14 9.500l2 2',
  services: 'M12 3l8 4.500v9L12 21l-8-4.500v-9zM4 7.500l8 4.500 8-4.500M12 12v9',
  images: 'M12 3l9 5-9 5-9-5zM3 12l9 5 9-5M3 16l9 5 9-5',
  secrets: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3M12 14.500v2',
  settings:
    'M4 7h9M17 7h3M4 17h3M11 17h9M15 5a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM9 15a2 2 0 1 0 0 4 2 2 0 0 0 0-4z',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.500v2M12 19.500v2M2.5 12h2M19.5 12h2M5.3 5.300l1.4 1.400M17.3 17.300l1.4 1.400M5.3 18.700l1.4-1.400M17.3 6.700l1.4-1.4',
  moon: 'M20 14.500A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.500z',
  search: 'M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.500L20 20',
  plus: 'M12 5v14M5 12h14',
} as const
export type IconName = keyof typeof PATHS

/** For the eye only: what it stands beside says the same in words. */
export const Icon = ({ name, size = 17 }: { name: IconName; size?: number }) => (
  <svg
    aria-hidden
    width={size}
    height={size}
    viewBox="0 0 24 24"
    fill="none"
    stroke="currentColor"
    strokeWidth={1.8}
    strokeLinecap="round"
    strokeLinejoin="round"
  >
    <path d={PATHS[name]} />
  </svg>
)
