import { useEffect, useRef } from 'preact/hooks'
import type uPlot from 'uplot'
import { extentOf, type Values } from './points.ts'

export interface ChartSeries {
  readonly label: string
  /** Of the style sheet: `--link`. */
  readonly color: string
  /** Told from the others without its colour. */
  readonly isDashed?: true
  readonly values: Values
}

interface ChartProps {
  readonly title: string
  /** How a value is written. */
  readonly write: (value: number) => string
  /** Seconds since the epoch. */
  readonly times: readonly number[]
  readonly series: readonly ChartSeries[]
}

const height = 190

/** Series over time, as a picture and in a line of words. */
export function Chart({ title, write, times, series }: ChartProps) {
  const box = useRef<HTMLDivElement>(null)
  usePlot(box, { title, write, times, series })
  return (
    <figure class="chart">
      <figcaption>
        <h3>{title}</h3>
        <ul class="plain legend">
          {series.map(({ label, color, isDashed, values }) => {
            const { now, highest } = extentOf(values)
            return (
              <li key={label}>
                <span class={isDashed ? 'key dashed' : 'key'} style={{ '--color': `var(${color})` }} />
                {label} <b>{now === null ? '–' : write(now)}</b>
                {highest !== null && <span class="says">, at most {write(highest)}</span>}
              </li>
            )
          })}
        </ul>
      </figcaption>
      {/* What it shows is said above, and minute by minute in the table below the charts. */}
      <div ref={box} class="plot" aria-hidden="true" />
    </figure>
  )
}

function usePlot(box: { readonly current: HTMLDivElement | null }, props: ChartProps): void {
  const plot = useRef<uPlot | null>(null)
  const newest = useRef(props)
  newest.current = props
  const names = props.series.map(({ label }) => label).join('\n')

  useEffect(() => {
    let isOver = false
    const draw = async (): Promise<void> => {
      // Only this page needs it.
      const { default: Plot } = await import('uplot')
      if (isOver || box.current === null) return
      plot.current?.destroy()
      plot.current = new Plot(
        optionsOf(newest.current, box.current.clientWidth),
        dataOf(newest.current),
        box.current,
      )
    }
    void draw()
    const scheme = matchMedia('(prefers-color-scheme: dark)')
    const redraw = (): void => void draw()
    scheme.addEventListener('change', redraw)
    const size = new ResizeObserver(() => {
      if (box.current !== null) plot.current?.setSize({ width: box.current.clientWidth, height })
    })
    if (box.current !== null) size.observe(box.current)
    return () => {
      isOver = true
      scheme.removeEventListener('change', redraw)
      size.disconnect()
      plot.current?.destroy()
      plot.current = null
    }
  }, [names])

  useEffect(() => plot.current?.setData(dataOf(props)), [props.times, props.series])
}

const dataOf = ({ times, series }: ChartProps): uPlot.AlignedData =>
  [times, ...series.map(({ values }) => values)] as uPlot.AlignedData

function optionsOf({ write, series }: ChartProps, width: number): uPlot.Options {
  const style = getComputedStyle(document.documentElement)
  const color = (name: string): string => style.getPropertyValue(name).trim()
  const axis: uPlot.Axis = {
    stroke: color('--quiet'),
    grid: { stroke: color('--line'), width: 1 },
    ticks: { show: false },
    font: `11px ${color('--sans')}`,
  }
  return {
    width,
    height,
    // Above is room for what is under the pointer.
    padding: [20, 22, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: 'traffic' }, drag: { x: false, y: false }, points: { size: 7 } },
    scales: { y: { range: (_, __, highest) => [0, highest > 0 ? highest * 1.1 : 1] } },
    axes: [
      { ...axis, size: 28, values: (_, splits) => splits.map((at) => clockTime(at)) },
      { ...axis, size: 62, values: (_, splits) => splits.map((value) => (value === 0 ? '0' : write(value))) },
    ],
    series: [
      {},
      ...series.map(
        ({ label, color: name, isDashed }): uPlot.Series => ({
          label,
          stroke: color(name),
          width: 1.75,
          ...(isDashed ? { dash: [6, 4] } : { fill: `${color(name)}22` }),
          points: { show: false },
        }),
      ),
    ],
    hooks: { setCursor: [(plot) => tell(plot, textAt(write, series))] },
  }
}

/** `14:03` in local time. */
function clockTime(at: number): string {
  const date = new Date(at * 1000)
  return `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`
}

type TextAt = (plot: uPlot, index: number) => string

const textAt =
  (write: (value: number) => string, series: readonly ChartSeries[]): TextAt =>
  (plot, index) => {
    const at = new Date(plot.data[0]![index]! * 1000).toLocaleTimeString('en-GB')
    const values = series.map(({ label }, i) => {
      const value = plot.data[i + 1]?.[index]
      return `${label} ${value === null || value === undefined ? '–' : write(value)}`
    })
    return `${at}  ${values.join(', ')}`
  }

/** Says in the corner what is under the pointer. */
function tell(plot: uPlot, text: TextAt): void {
  let note = plot.over.querySelector('.under-pointer')
  if (note === null) {
    note = document.createElement('div')
    note.className = 'under-pointer'
    plot.over.append(note)
  }
  const { idx } = plot.cursor
  note.textContent = idx === null || idx === undefined ? '' : text(plot, idx)
}
