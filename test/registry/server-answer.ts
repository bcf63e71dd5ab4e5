import { modernRpc, type RpcAnswer } from '../support/modern-rpc.ts'
import type { DecidedWorld, Person } from './decided-world.ts'

interface Asked {
  readonly tool?: string
  readonly prompt?: string
  readonly resource?: string | { readonly kind: string; readonly name: string }
  readonly arguments?: Record<string, unknown>
}

export interface RealAnswer {
  readonly allowed: boolean
  /** For a person; empty where it was allowed. */
  readonly reason: string
}

const UNKNOWN = new Set(['unknown_tool', 'unknown_prompt', 'unknown_resource'])

/** What the server itself does when the person really calls it. That an approval is missing is no refusal of the person. */
export async function askServer(world: DecidedWorld, url: string, person: Person, asked: Asked): Promise<RealAnswer> {
  const { method, params } = requestOf(asked)
  const credentials = await world.headers(person, url, 'POST', url)
  const answer = await modernRpc({ url, credentials, method, params })
  if (typeof asked.resource === 'object' && answer.result?.['isError'] !== true && answer.result) {
    const { allowed, reason } = answer.result['structuredContent'] as RealAnswer
    return { allowed, reason: allowed ? '' : reason }
  }
  const failure = failureOf(answer)
  if (!failure || failure.code === 'approval_required') return { allowed: true, reason: '' }
  if (UNKNOWN.has(failure.code)) return { allowed: false, reason: 'not available' }
  if (failure.code === 'denied' || failure.code === 'insufficient_scope')
    return { allowed: false, reason: failure.reason }
  throw new Error(`neither a yes nor a no: ${JSON.stringify(answer)}`)
}

function requestOf({ tool, prompt, resource, arguments: args = {} }: Asked) {
  if (tool !== undefined) return { method: 'tools/call', params: { name: tool, arguments: args } }
  if (prompt !== undefined) return { method: 'prompts/get', params: { name: prompt, arguments: args } }
  if (typeof resource === 'object') return { method: 'tools/call', params: { name: 'ask', arguments: { ...resource } } }
  return { method: 'resources/read', params: { uri: `docs://${resource ?? ''}` } }
}

/** Whichever of the forms that HTTP and MCP have for it carried the news. */
function failureOf({ status, result, error, problem }: RpcAnswer): { code: string; reason: string } | undefined {
  if (problem) return { code: problem.code, reason: problem.message }
  if (error) {
    const code = error.data?.['code']
    return { code: typeof code === 'string' ? code : '', reason: error.message }
  }
  if (result?.['isError'] !== true) return status === 200 ? undefined : { code: String(status), reason: '' }
  const meta = result['_meta'] as Record<string, { code: string; message: string }>
  const { code = '', message = '' } = meta['dev.gatehouse/failure'] ?? {}
  return { code, reason: message }
}
