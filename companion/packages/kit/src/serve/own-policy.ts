import { type AccessPolicy, ServerPolicy } from '@gatehouse/contracts'
import type { z } from 'zod'
import { unmetArgument } from '../decide/arguments.ts'
import { PolicyError } from '../decide/policy-error.ts'
import type { ServerDefinition } from './definition.ts'
import type { ServedTool, ToolTable } from './tool-table.ts'

/** In no group, so that no condition makes an exception. */
const NOBODY = { kind: 'workload', spiffeId: 'spiffe://nobody.example/at-all' } as const

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
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new PolicyError('policy_invalid', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`)
  }
  for (const [name, policy] of Object.entries(tools)) checkArguments(policy, table.tools.get(name))
  refuseArguments('prompt', prompts)
  refuseArguments('resource', resources)
  return parsed.data
}

/**
 * A condition that never meets an argument would be none. One that the argument's own default does not meet would be decided in another way by
 * whoever does not know the default, as the registry.
 */
function checkArguments(policy: AccessPolicy, tool: ServedTool | undefined): void {
  const shape = tool?.input.shape as Readonly<Record<string, z.ZodType>> | undefined
  for (const [name, condition] of Object.entries(policy.arguments ?? {})) {
    const argument = shape && Object.hasOwn(shape, name) ? shape[name] : undefined
    const where = `the condition on the argument ${name} of the tool ${tool?.surface.name ?? ''}`
    if (!argument) throw new PolicyError('policy_invalid', `${where}: it has none of that name`)
    const absent = argument.safeParse(undefined)
    if (!absent.success) continue
    if (unmetArgument({ arguments: { [name]: condition } }, NOBODY, { [name]: absent.data }) !== undefined)
      throw new PolicyError('policy_invalid', `${where}: its default does not meet it`)
  }
}

/** They hold at calls alone; here they would hold nothing. */
function refuseArguments(kind: 'prompt' | 'resource', policies: Readonly<Record<string, AccessPolicy>>): void {
  const name = Object.keys(policies).find((one) => policies[one]?.arguments !== undefined)
  if (name !== undefined)
    throw new PolicyError(
      'policy_invalid',
      `the ${kind} ${name}: only the policy of a tool has conditions on arguments`,
    )
}
