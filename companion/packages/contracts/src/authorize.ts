import { z } from 'zod'
import { Action, Decision } from './decision.ts'
import { ServerRecordFields } from './record.ts'

/** A thing of the server's own, such as a table. Its kind is none of `server`, `tool`, `prompt` and `resource`. */
export const OwnTarget = z.strictObject({
  kind: z.string().regex(/^(?!(server|tool|prompt|resource)$)[a-zA-Z][a-zA-Z0-9_-]{0,63}$/),
  name: z.string().max(512),
  /** Where the server's schema gives that kind attributes. */
  attributes: z.record(z.string().max(64), z.string().max(512)).optional(),
})
export type OwnTarget = z.infer<typeof OwnTarget>

const Name = z.string().min(1).max(128)

/** What is asked about: a tool, a prompt, a resource by its name, or a thing of the server's own; without any, the server itself. */
export const DecisionTarget = z.strictObject({
  tool: Name.optional(),
  prompt: Name.optional(),
  resource: z.union([Name, OwnTarget]).optional(),
})
export type DecisionTarget = z.infer<typeof DecisionTarget>

/** The same as `decide` takes it. */
export type Decided =
  | { readonly kind: 'server' }
  | { readonly kind: 'tool' | 'prompt' | 'resource'; readonly name: string }
  | (Omit<OwnTarget, 'attributes'> & { readonly attributes?: Readonly<Record<string, string>> })

/** @returns what the target names, or undefined where it names two things */
export function decidedOf({ tool, prompt, resource }: DecisionTarget): Decided | undefined {
  const named: Decided[] = [
    ...(tool === undefined ? [] : [{ kind: 'tool', name: tool } as const]),
    ...(prompt === undefined ? [] : [{ kind: 'prompt', name: prompt } as const]),
    ...(resource === undefined ? [] : [resourceOf(resource)]),
  ]
  return named.length > 1 ? undefined : (named[0] ?? { kind: 'server' })
}

function resourceOf(resource: string | OwnTarget): Decided {
  if (typeof resource === 'string') return { kind: 'resource', name: resource }
  const { kind, name, attributes } = resource
  return { kind, name, ...(attributes && { attributes }) }
}

/** What is meant where no action is named: that a tool is called, the server listed, and all else read. */
export function usualAction({ kind }: Decided): Action {
  if (kind === 'tool') return 'call'
  return kind === 'server' ? 'list' : 'read'
}

/** One question to `POST /gatehouse/v1/authorize`: may I do this, from here? */
export const AuthorizeQuestion = z
  .strictObject({
    /** Id of a server; one that is not there is answered like one that the caller may not know of. */
    server: z.string().min(1).max(64),
    /** Absent: `usualAction`. */
    action: Action.optional(),
    ...DecisionTarget.shape,
    /** Of the call that is meant, as the tool gets them: with its own defaults filled in. Used for the decision and not kept. */
    arguments: z.record(z.string(), z.unknown()).optional(),
  })
  .refine((question) => decidedOf(question) !== undefined, {
    message: 'names one of tool, prompt and resource, or none of them',
  })
export type AuthorizeQuestion = z.infer<typeof AuthorizeQuestion>

export const MAX_QUESTIONS = 200

export const AuthorizeBatch = z.strictObject({ questions: z.array(AuthorizeQuestion).min(1).max(MAX_QUESTIONS) })
export type AuthorizeBatch = z.infer<typeof AuthorizeBatch>

/** The rule of an answer about what is not there, or is not for the caller to know. */
export const NOT_AVAILABLE = 'not-available'

/**
 * What the server would answer to the same person from the same place, with the scopes of the token that asked here. That an approval is needed as
 * well for what changes something, it does not say.
 */
export const AuthorizeAnswer = Decision.extend({
  /** Whom to ask; on a refusal of what the caller may know of. */
  support: ServerRecordFields.shape.support.optional(),
})
export type AuthorizeAnswer = z.infer<typeof AuthorizeAnswer>

/** In the order of the questions. */
export const AuthorizeAnswers = z.object({ answers: z.array(AuthorizeAnswer).max(MAX_QUESTIONS) })
export type AuthorizeAnswers = z.infer<typeof AuthorizeAnswers>
