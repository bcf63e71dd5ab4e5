import { arch, cpus, platform } from 'node:os'

export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly aim: string
  readonly holds: boolean
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const high = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2
}

/** The last line of a bench: its figures as one line of JSON. */
export function report(bench: string, figures: readonly Figure[]): void {
  const machine = `${platform()} ${arch()}, ${cpus().length} cores, Node ${process.versions.node}`
  const rounded = figures.map((figure) => ({ ...figure, value: Math.round(figure.value * 100) / 100 }))
  process.stdout.write(`${JSON.stringify({ bench, machine, figures: rounded })}\n`)
}
