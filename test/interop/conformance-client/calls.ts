import type { OfferedTool } from '../../../src/connections/types.ts'

export interface Call {
  readonly name: string
  readonly arguments: Record<string, unknown>
  /** The call must be refused with this code. */
  readonly refusedAs?: string
}

/** What a scenario wants to see called, where its context does not say: every tool once, with arguments that its description asks for. */
export function callsOf(tools: readonly OfferedTool[]): Call[] {
  return tools.flatMap(({ tool: { name } }) => {
    if (name === 'add_numbers') return [{ name, arguments: { a: 5, b: 3 } }]
    if (name === 'json_schema_echo')
      return [{ name, arguments: { schema: schemaOf(tools, 'json_schema_2020_12_tool') } }]
    if (name === 'valid_tool') return [{ name, arguments: { region: 'us-west1' } }]
    // Its server lists tools and cannot call them.
    if (name === 'lookup_user') return []
    // A server of 2026-07-28 must say what kind its result is (basic, resultType); that an absent one means `complete` is for older servers.
    if (name === 'test_mrtr_no_result_type') return [{ name, arguments: {}, refusedAs: 'result_invalid' }]
    return [{ name, arguments: {} }]
  })
}

function schemaOf(tools: readonly OfferedTool[], name: string): unknown {
  return tools.find(({ tool }) => tool.name === name)?.tool.inputSchema
}
