import type { HealthView } from '../../src/admin/view.ts'
import { Shape, type ShapeName } from './shape.tsx'

const shapes: Readonly<Record<HealthView, ShapeName>> = {
  passing: 'good',
  warning: 'caution',
  critical: 'bad',
  maintenance: 'paused',
}

/** The health of an instance in a word, a colour and a shape. */
export function Health({ health }: { health: HealthView }) {
  return (
    <span class={`health ${shapes[health]}`}>
      <Shape name={shapes[health]} /> {health}
    </span>
  )
}
