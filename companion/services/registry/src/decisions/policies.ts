import { policyDigest, type ServerPolicy, type ServerRecord } from '@gatehouse/contracts'
import { createPolicy, HttpProblem, type Logger, type Policy, PolicyError } from '@gatehouse/kit'

/** Policies that are kept, parsed. */
const KEPT = 1_000

/** What is decided of a record whose policy cannot be used: nothing is allowed. */
const DENIES: Policy = {
  decide: () => ({ allowed: false, reason: 'the policy could not be evaluated', rule: 'error' }),
  lists: () => false,
}

/** The decision function of each server, made from its record's own policy as the server makes its own from the same text. */
export class Policies {
  /** Of records without a policy: the record alone decides. */
  readonly #plain = createPolicy()
  readonly #byDigest = new Map<string, Policy>()
  readonly #byPolicy = new WeakMap<ServerPolicy, Policy>()

  constructor(private readonly log: Logger) {}

  of({ id, policy }: ServerRecord): Policy {
    if (!policy) return this.#plain
    const known = this.#byPolicy.get(policy)
    if (known) return known
    try {
      return this.#made(policy)
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error
      this.log.error('the policy of a record cannot be used; nobody may use the server', {
        code: error.code,
        server: id,
        problem: error.message,
      })
      this.#byPolicy.set(policy, DENIES)
      return DENIES
    }
  }

  /** What would keep a server with this record from serving. @throws HttpProblem 400 `policy_invalid`, saying where */
  check({ policy, tools, prompts, resources }: ServerRecord): void {
    if (!policy) return
    refuseMismatch('tools', policy.tools, tools)
    refuseMismatch('prompts', policy.prompts, prompts)
    refuseMismatch('resources', policy.resources, resources)
    try {
      this.#made(policy)
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error
      throw new HttpProblem(400, 'policy_invalid', `policy.cedar: ${error.message}`, {}, { cause: error })
    }
  }

  /** @throws PolicyError */
  #made(policy: ServerPolicy): Policy {
    const digest = policyDigest(policy)
    const made = this.#byDigest.get(digest) ?? createPolicy(policy)
    // Put back at the end: the first is the one that was not asked for the longest.
    this.#byDigest.delete(digest)
    this.#byDigest.set(digest, made)
    const [oldest] = this.#byDigest.keys()
    if (oldest !== undefined && this.#byDigest.size > KEPT) this.#byDigest.delete(oldest)
    this.#byPolicy.set(policy, made)
    return made
  }
}

/** A name that is on one side alone was not reviewed with the other: the policy is that of another version. */
function refuseMismatch(
  field: 'tools' | 'prompts' | 'resources',
  policies: Readonly<Record<string, unknown>>,
  recorded: readonly { readonly name: string }[],
): void {
  const names = new Set(recorded.map(({ name }) => name))
  for (const name of Object.keys(policies)) {
    if (!names.has(name)) throw mismatch(`policy.${field}.${name}: the record has none of that name in ${field}`)
  }
  for (const name of names) {
    if (!Object.hasOwn(policies, name)) throw mismatch(`policy.${field}: says nothing of ${name}`)
  }
}

function mismatch(message: string): HttpProblem {
  return new HttpProblem(400, 'policy_invalid', message)
}
