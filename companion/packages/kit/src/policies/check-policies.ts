import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  GatehouseError,
  JsonError,
  parseStrictJson,
  type PolicyReport,
  reviewedRecord,
  ServerGovernance,
} from '@gatehouse/contracts'
import { z } from 'zod'
import { PolicyError } from '../decide/policy-error.ts'
import type { ServerDefinition } from '../serve/definition.ts'
import { describeServer } from '../serve/describe.ts'
import { readPolicyCases } from './policy-case.ts'
import { runPolicyCases } from './run-cases.ts'

/** No server is reached: where it would be does not matter to a policy. */
const NOWHERE = 'http://127.0.0.1/mcp'

/** Validates the policies beside a server's tools, and asks them its cases under its own `server.json`. */
export function checkPolicies(definition: ServerDefinition): PolicyReport {
  try {
    const described = describeServer(definition)
    if (!definition.policies) throw new PolicyError('cases_missing', 'the server has no folder of policies')
    const { server } = definition.policies
    const record = reviewedRecord(readGovernance(server), described, NOWHERE)
    return { kind: 'policies', server: definition.id, ...runPolicyCases(record, readPolicyCases(server)) }
  } catch (error) {
    if (!(error instanceof GatehouseError)) throw error
    return { kind: 'policies-invalid', server: definition.id, code: error.code, message: error.message }
  }
}

/** @throws PolicyError `governance_invalid` */
function readGovernance(server: string): ServerGovernance {
  try {
    return ServerGovernance.parse(parseStrictJson(readFileSync(join(server, 'server.json'), 'utf8')))
  } catch (cause) {
    const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined
    const why = issue ? `${issue.path.join('.')}: ${issue.message}` : cause instanceof JsonError ? cause.message : ''
    throw new PolicyError('governance_invalid', `server.json is not a governance record ${why}`.trim(), { cause })
  }
}
