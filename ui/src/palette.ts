/** Materialize's palette at its middle shade: fabio's `ui.color` names one of these (fabio reference 9.5). */
const palette: Readonly<Record<string, string>> = {
  red: '#f44336',
  pink: '#e91e63',
  purple: '#9c27b0',
  'deep-purple': '#673ab7',
  indigo: '#3f51b5',
  blue: '#2196f3',
  'light-blue': '#03a9f4',
  cyan: '#00bcd4',
  teal: '#009688',
  green: '#4caf50',
  'light-green': '#8bc34a',
  lime: '#cddc39',
  yellow: '#ffeb3b',
  amber: '#ffc107',
  orange: '#ff9800',
  'deep-orange': '#ff5722',
  brown: '#795548',
  grey: '#9e9e9e',
  'blue-grey': '#607d8b',
  black: '#000000',
  white: '#ffffff',
}

export interface Accent {
  /** `#rrggbb` */
  readonly color: string
  /** Black or white, whichever reads better on `color`: always at least 4.5 to 1. */
  readonly ink: '#000000' | '#ffffff'
}

/**
 * The accent for a `ui.color`. Materialize's second class (`darken-2`) is passed over; a name that the palette does
 * not have gives fabio's default, `light-green`.
 */
export function accentOf(name: string): Accent {
  const known = name.split(/\s+/).find((word) => Object.hasOwn(palette, word)) ?? 'light-green'
  const color = palette[known]!
  return { color, ink: contrast(color, '#000000') >= contrast(color, '#ffffff') ? '#000000' : '#ffffff' }
}

/** Contrast ratio of two `#rrggbb` colours, 1 to 21 (WCAG 2.2, relative luminance). */
export function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].toSorted((x, y) => y - x)
  return (light! + 0.05) / (dark! + 0.05)
}

function luminance(color: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!
}
