import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  Action,
  DecisionTarget,
  decidedOf,
  JsonError,
  parseStrictJson,
  SpiffeId,
  UserCaller,
} from '@gatehouse/contracts'
import { z } from 'zod'
import { PolicyError } from '../decide/policy-error.ts'

const { groups, roles, scopes, surface, channel, client, subject } = UserCaller.shape

const CaseCaller = z.union([
  z.strictObject({
    groups,
    roles,
    scopes,
    /** Absent: the client's, or else the first of the record. */
    surface: surface.optional(),
    channel,
    /** Absent: the first of the record with this surface. */
    client: client.optional(),
    /** Absent: `somebody`. */
    user: subject.optional(),
  }),
  z.strictObject({ workload: SpiffeId }),
])
export type CaseCaller = z.infer<typeof CaseCaller>

/** One line of `policies/cases.json`: who does what, and what the policies must say to it. */
export const PolicyCase = z
  .strictObject({
    name: z.string().min(1).max(200),
    caller: CaseCaller,
    /** Absent: a tool is called, the server listed, all else read. */
    action: Action.optional(),
    ...DecisionTarget.shape,
    /** Of the call, as the tool gets them: after validation. */
    arguments: z.record(z.string(), z.unknown()).optional(),
    expect: z.strictObject({ allowed: z.boolean(), rule: z.string().optional(), reason: z.string().optional() }),
  })
  .refine((one) => decidedOf(one) !== undefined, {
    message: 'names one of tool, prompt and resource, or none of them',
  })
export type PolicyCase = z.infer<typeof PolicyCase>

const FILE = 'policies/cases.json'

/** @param server its own folder @throws PolicyError `cases_missing`, `cases_invalid` */
export function readPolicyCases(server: string): readonly PolicyCase[] {
  const cases = parsedCases(textOf(server))
  if (cases.length === 0) throw new PolicyError('cases_missing', `${FILE} holds no case`)
  const names = cases.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined)
    throw new PolicyError('cases_invalid', `${FILE}: two cases are called ${JSON.stringify(twice)}`)
  return cases
}

function textOf(server: string): string {
  try {
    return readFileSync(join(server, FILE), 'utf8')
  } catch (cause) {
    throw new PolicyError('cases_missing', `${FILE} cannot be read`, { cause })
  }
}

function parsedCases(text: string): PolicyCase[] {
  try {
    const parsed = z.array(PolicyCase).safeParse(parseStrictJson(text))
    if (parsed.success) return parsed.data
    const [issue] = parsed.error.issues
    throw new PolicyError('cases_invalid', `${FILE}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`)
  } catch (cause) {
    if (cause instanceof JsonError) throw new PolicyError('cases_invalid', `${FILE}: ${cause.message}`, { cause })
    throw cause
  }
}
