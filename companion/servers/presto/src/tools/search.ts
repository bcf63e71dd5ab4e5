import type { TableFacts } from '../backend/backend.ts'
import { resourceName } from '../sql/names.ts'

export interface Found {
  readonly table: TableFacts
  readonly score: number
  /** Columns that match first. */
  readonly columns: readonly string[]
}

const WEIGHT = { table: 10, column: 4, comment: 3, columnComment: 1 } as const

/** Tables ranked by how well the words fit; a table that lacks one of the words is left out. Without words: all, by name. */
export function searchTables(tables: readonly TableFacts[], words: string): readonly Found[] {
  const wanted = wordsOf(words)
  return tables
    .map((table) => scored(table, wanted))
    .filter((found) => wanted.length === 0 || found.score > 0)
    .sort((a, b) => b.score - a.score || (resourceName(a.table.name) < resourceName(b.table.name) ? -1 : 1))
}

function scored(table: TableFacts, wanted: readonly string[]): Found {
  const columnScores = table.columns.map((column) => ({
    name: column.name,
    score: sum(
      wanted,
      (word) => fit(word, column.name) * WEIGHT.column + fit(word, column.comment) * WEIGHT.columnComment,
    ),
  }))
  const scores = wanted.map((word) => {
    const own =
      fit(word, resourceName(table.name)) * WEIGHT.table +
      fit(word, table.comment) * WEIGHT.comment +
      fit(word, table.owner)
    const best = Math.max(
      0,
      ...table.columns.map(
        (column) => fit(word, column.name) * WEIGHT.column + fit(word, column.comment) * WEIGHT.columnComment,
      ),
    )
    return own + best
  })
  const columns = columnScores
    .map((column, index) => ({ ...column, index }))
    .sort((a, b) => b.score - a.score || a.index - b.index)
  const complete = scores.every((score) => score > 0)
  return { table, score: complete ? sum(scores, (score) => score) : 0, columns: columns.map(({ name }) => name) }
}

/** 1 for a whole word, half for the beginning of one or a plural. */
function fit(word: string, text: string | undefined): number {
  if (text === undefined) return 0
  let best = 0
  for (const candidate of wordsOf(text)) {
    if (candidate === word) return 1
    if (
      word.length > 2 &&
      (candidate.startsWith(word) || word.startsWith(`${candidate}s`) || candidate.startsWith(word.replace(/s$/, '')))
    )
      best = 0.5
  }
  return best
}

function wordsOf(text: string): readonly string[] {
  return text
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0)
}
