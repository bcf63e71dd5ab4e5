import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import { BASE, SCHEMA } from '../decide/base.cedar.ts'
import { PolicyError } from '../decide/policy-error.ts'
import { mergedSchema } from '../decide/schema.ts'

export interface SourceFile {
  /** As it is told to a person, such as `policies/tables.cedar`. */
  readonly name: string
  readonly text: string
}

/** One policy of a file. */
export interface CedarRule {
  /** Its `@id`, by which decisions, tests and audits name it. */
  readonly id: string
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly text: string
}

/**
 * The text of all files, one after the other, as `createPolicy` takes it. Checked here too, since only here it is known which file a fault is in.
 * @throws PolicyError `policy_invalid`, beginning with `FILE:LINE: `
 */
export function checkedCedar(files: readonly SourceFile[], schema: SourceFile | undefined): string {
  const rules = files.flatMap(rulesOf)
  const known = new Map<string, CedarRule>()
  for (const rule of rules) {
    if (Object.hasOwn(BASE, rule.id)) throw fault(rule, `the id ${rule.id} is the kit's`)
    const first = known.get(rule.id)
    if (first) throw fault(rule, `the id ${rule.id} is taken by ${first.file}:${first.line}`)
    known.set(rule.id, rule)
  }
  const answer = cedar.validate({
    schema: schemaWith(schema),
    policies: { staticPolicies: Object.fromEntries(rules.map(({ id, text }) => [id, text])) },
  })
  if (answer.type === 'failure') throw new PolicyError('policy_invalid', messagesOf(answer.errors))
  const [first] = answer.validationErrors
  const rule = first && known.get(first.policyId)
  if (rule) {
    const within = lineAt(rule.text, first.error.sourceLocations?.[0]?.start ?? 0)
    throw fault({ file: rule.file, line: rule.line + within - 1 }, messagesOf([first.error]))
  }
  return files.map(({ text }) => text).join('\n')
}

/** @throws PolicyError */
export function rulesOf({ name: file, text }: SourceFile): CedarRule[] {
  const parts = cedar.policySetTextToParts(text)
  if (parts.type === 'failure') throw located({ name: file, text }, 0, parts.errors)
  if (parts.policy_templates.length > 0) throw fault({ file, line: 1 }, 'policy templates are not supported')
  let from = 0
  return parts.policies.map((policy) => {
    const start = text.indexOf(policy, from)
    from = start + policy.length
    const line = text.slice(0, start).split('\n').length
    const parsed = cedar.policyToJson(policy)
    const id = parsed.type === 'success' ? parsed.json.annotations?.['id'] : undefined
    if (id === undefined || id === '') throw fault({ file, line }, 'a policy needs an @id, by which it is named')
    return { id, file, line, text: policy }
  })
}

/** @throws PolicyError */
function schemaWith(file: SourceFile | undefined): cedar.Schema {
  if (!file) return mergedSchema('').schema
  const answer = cedar.schemaToJson(`${SCHEMA}\n${file.text}`)
  if (answer.type === 'failure') throw located(file, Buffer.byteLength(SCHEMA) + 1, answer.errors)
  try {
    return mergedSchema(file.text).schema
  } catch (error) {
    throw error instanceof PolicyError ? fault({ file: file.name, line: 1 }, error.message) : error
  }
}

/** @param offset where the file begins in what Cedar was given, bytes */
function located({ name: file, text }: SourceFile, offset: number, errors: readonly cedar.DetailedError[]) {
  const places = errors[0]?.sourceLocations?.map(({ start }) => start - offset) ?? []
  return fault({ file, line: lineAt(text, Math.max(0, ...places)) }, messagesOf(errors))
}

/** @param offset in bytes of UTF-8, as Cedar counts. @returns from 1 */
function lineAt(text: string, offset: number): number {
  return Buffer.from(text, 'utf8').subarray(0, offset).toString('utf8').split('\n').length
}

function messagesOf(errors: readonly cedar.DetailedError[]): string {
  return errors.map(({ message, help }) => (help === null ? message : `${message} (${help})`)).join('; ')
}

function fault({ file, line }: { readonly file: string; readonly line: number }, message: string): PolicyError {
  return new PolicyError('policy_invalid', `${file}:${line}: ${message}`)
}
