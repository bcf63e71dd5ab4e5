import { z } from 'zod'
import type { TableName } from '../sql/names.ts'
import type { EnginePlan } from './backend.ts'

interface PlanNode {
  readonly name: string
  readonly children: readonly PlanNode[]
  readonly extra_info: Readonly<Record<string, unknown>>
}

const PlanNode: z.ZodType<PlanNode> = z.lazy(() =>
  z.object({
    name: z.string(),
    children: z.array(PlanNode).default([]),
    extra_info: z.record(z.string(), z.unknown()).default({}),
  }),
)

/** Leaves that hold no rows of anybody's: constants, and the inner ends of WITH and of correlated subqueries. */
const OWN_LEAVES: ReadonlySet<string> = new Set([
  'DUMMY_SCAN',
  'EXPRESSION_GET',
  'CTE_SCAN',
  'CTE_REF',
  'REC_CTE_SCAN',
  'RECURSIVE_CTE_SCAN',
  'DELIM_GET',
  'DELIM_SCAN',
  'EMPTY_RESULT',
  'CHUNK_GET',
  'COLUMN_DATA_SCAN',
  'UNNEST',
])
/** Assumed width of a value, where only the number of columns is known. */
const BYTES_PER_VALUE = 10
const OUTLINE_LINES = 40

/** @param explained rows of `EXPLAIN (FORMAT json)` with `explain_output = 'all'`: [kind of plan, JSON] */
export function readPlan(explained: readonly (readonly [string, string])[], catalog: string): EnginePlan {
  const plans = new Map(explained.map(([kind, text]) => [kind, z.array(PlanNode).parse(JSON.parse(text))]))
  // Before the optimiser, which drops the tables that cannot matter; what the statement names is what counts.
  const bound = plans.get('logical_plan')
  if (!bound) throw new Error('the engine gave no bound plan')
  const tables = new Map<string, TableName>()
  const foreignSources = new Set<string>()
  for (const node of walk(bound)) {
    const table = tableOf(node)
    if (table !== undefined) tables.set(table, splitName(table, catalog))
    else if (node.children.length === 0 && !OWN_LEAVES.has(node.name)) foreignSources.add(node.name.toLowerCase())
  }
  const optimised = plans.get('physical_plan') ?? plans.get('logical_opt') ?? bound
  let scannedRows = 0
  let scannedBytes = 0
  let workRows = 0
  for (const node of walk(optimised)) {
    const rows = rowsOf(node)
    workRows += comparesAll(node) ? productOf(node) : rows
    if (tableOf(node) === undefined) continue
    scannedRows += rows
    scannedBytes += rows * columnsOf(node) * BYTES_PER_VALUE
  }
  return {
    tables: [...tables.values()],
    foreignSources: [...foreignSources],
    rows: optimised[0] ? rowsOf(optimised[0]) : 0,
    scannedRows,
    scannedBytes,
    workRows,
    outline: outlineOf(optimised),
  }
}

function* walk(nodes: readonly PlanNode[]): Generator<PlanNode> {
  for (const node of nodes) {
    yield node
    yield* walk(node.children)
  }
}

function tableOf(node: PlanNode): string | undefined {
  const table = node.extra_info['Table']
  return typeof table === 'string' && node.children.length === 0 ? table : undefined
}

/** `hive.tpch.orders`; a dot inside a name makes it a name that nobody may read. */
function splitName(text: string, catalog: string): TableName {
  const parts = text.toLowerCase().split('.')
  const [first = '', second = '', third = ''] = parts
  return parts.length === 3 && first === catalog
    ? { catalog, schema: second, table: third }
    : { catalog: '', schema: '', table: text }
}

/** DuckDB leaves out the estimate of operators that pass rows on, and that of a cross product, which is the one that matters. */
function rowsOf(node: PlanNode): number {
  const estimate = Number(node.extra_info['Estimated Cardinality'])
  if (Number.isFinite(estimate)) return estimate
  if (comparesAll(node)) return productOf(node)
  if (node.name.trim().startsWith('UNGROUPED_AGGREGATE')) return 1
  return Math.max(0, ...node.children.map(rowsOf))
}

/** Every row of one side meets every row of the other, however few come out. */
function comparesAll(node: PlanNode): boolean {
  return /CROSS_PRODUCT|NESTED_LOOP|BLOCKWISE|IE_JOIN|PIECEWISE/.test(node.name) && node.children.length > 1
}

function productOf(node: PlanNode): number {
  return node.children.reduce((product, child) => product * rowsOf(child), 1)
}

function columnsOf(node: PlanNode): number {
  const projections = node.extra_info['Projections']
  return Array.isArray(projections) ? projections.length : 1
}

function outlineOf(nodes: readonly PlanNode[]): string {
  const lines: string[] = []
  const visit = (node: PlanNode, depth: number): void => {
    lines.push(`${'  '.repeat(depth)}${describe(node)}`)
    for (const child of node.children) visit(child, depth + 1)
  }
  for (const node of nodes) visit(node, 0)
  return lines.length > OUTLINE_LINES
    ? [...lines.slice(0, OUTLINE_LINES), `… ${lines.length - OUTLINE_LINES} more`].join('\n')
    : lines.join('\n')
}

function describe(node: PlanNode): string {
  const estimate = node.extra_info['Estimated Cardinality']
  const rows = typeof estimate === 'string' || typeof estimate === 'number' ? ` (about ${estimate} rows)` : ''
  const details = ['Table', 'Filters', 'Join Type', 'Conditions', 'Groups', 'Order By']
    .map((key) => node.extra_info[key])
    .filter((value) => value !== undefined && value !== '')
    .map((value) => (Array.isArray(value) ? value.join(', ') : String(value)))
  const words = node.name.trim().toLowerCase().replaceAll('_', ' ')
  return `${words}${details.length > 0 ? ` ${details.join('; ').slice(0, 160)}` : ''}${rows}`
}
