import { ServerPolicy } from '@gatehouse/contracts'
import { PolicyError } from '../decide/policy-error.ts'
import type { ServerDefinition } from './definition.ts'
import type { ToolTable } from './tool-table.ts'

/** All that the server's team wrote of who may do what: beside each tool, and in Cedar. @throws PolicyError */
export function ownPolicy(
  { cedar, cedarSchema, policies }: Pick<ServerDefinition, 'cedar' | 'cedarSchema' | 'policies'>,
  table: ToolTable,
): ServerPolicy {
  if (policies && (cedar !== undefined || cedarSchema !== undefined))
    throw new PolicyError('policy_invalid', 'a server has its Cedar text in files or in its definition, not in both')
  const own = policies?.read() ?? {
    ...(cedar !== undefined && { cedar }),
    ...(cedarSchema !== undefined && { cedarSchema }),
  }
  const { tools, prompts, resources } = table.policies
  const parsed = ServerPolicy.safeParse({ tools, prompts, resources, ...own })
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new PolicyError('policy_invalid', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`)
}
