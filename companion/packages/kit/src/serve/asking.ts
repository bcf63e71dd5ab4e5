import { Digest, digestOf, type Json } from '@gatehouse/contracts'
import { z } from 'zod'
import type { Answers, Askable } from '../authoring/context.ts'
import type { Question, QuestionRequest } from '../authoring/question.ts'
import { failure, type InputRequired, type Outcome } from './outcome.ts'
import type { StateSeal } from './request-state.ts'

/** What came with a call of what its client was asked before. Nothing in it is trusted. */
export interface Exchange {
  /** `params.inputResponses` */
  readonly responses: unknown
  /** `params.requestState` */
  readonly state: unknown
  /** `clientCapabilities` */
  readonly capabilities: unknown
}

/** What a client must declare to be asked this (MCP `ClientCapabilities`). */
export type RequiredCapabilities = Readonly<Record<string, Readonly<Record<string, object>>>>

/** What the state says: which questions are open, and what was answered before. */
const Remembered = z.strictObject({
  round: z.int().min(1),
  /** Digest of each question that was asked last. */
  open: z.record(z.string(), Digest),
  answered: z.record(z.string(), z.strictObject({ question: Digest, answer: z.unknown() })),
})
type Remembered = z.infer<typeof Remembered>

const MAX_QUESTIONS = 20
/** A call that keeps asking is a loop. */
const MAX_ROUNDS = 10

/** Ends a call whose author's code went on to ask; what comes of it is in `Asking.ended`, also when that code swallows this. */
class CallEnded extends Error {}

/** The questions of one run of one call, and the answers that came with it. */
export class Asking {
  /** What the call comes to because of what it asked. */
  ended: Outcome | undefined
  #askable: Askable | undefined
  readonly #exchange: Exchange
  readonly #seal: StateSeal
  readonly #binding: () => Json
  readonly #responses: Readonly<Record<string, unknown>>
  #remembered: Remembered | undefined

  /** @param binding what the state is for: it is refused with any other call */
  constructor(exchange: Exchange, seal: StateSeal, binding: () => Json) {
    this.#exchange = exchange
    this.#seal = seal
    this.#binding = binding
    const { responses } = exchange
    this.#responses = typeof responses === 'object' && responses !== null ? (responses as Record<string, unknown>) : {}
  }

  get askable(): Askable {
    this.#askable ??= askableOf(this.#exchange.capabilities)
    return this.#askable
  }

  /** @returns whether the state, if there is one, is ours, unexpired, and of this very call */
  open(): boolean {
    const { state } = this.#exchange
    if (state === undefined) return true
    const content = typeof state === 'string' ? this.#seal.open(state, this.#binding()) : undefined
    const remembered = Remembered.safeParse(content)
    this.#remembered = remembered.data
    return remembered.success
  }

  readonly ask = async <Q extends Readonly<Record<string, Question<unknown>>>>(questions: Q): Promise<Answers<Q>> => {
    const answers: Record<string, unknown> = {}
    const answered = { ...this.#remembered?.answered }
    const missing: Record<string, QuestionRequest> = {}
    for (const [name, question] of Object.entries(questions)) {
      const digest = digestOf(question.request)
      const answer = this.#answerTo(name, digest)
      if (answer === undefined) {
        missing[name] = question.request
        continue
      }
      answers[name] = this.#accept(name, question, answer.value)
      answered[name] = { question: digest, answer: answer.value }
    }
    const names = Object.keys(missing)
    if (names.length === 0) {
      // Later questions of the same run remember these answers too.
      if (this.#remembered) this.#remembered = { ...this.#remembered, answered }
      else this.#remembered = { round: 1, open: {}, answered }
      return answers as Answers<Q>
    }
    return this.#end(this.#required(missing, answered))
  }

  /** An answer counts for the question it was given to: the same name, and the same words and form. */
  #answerTo(name: string, digest: Digest): { readonly value: unknown } | undefined {
    const before = this.#remembered && own(this.#remembered.answered, name)
    if (before?.question === digest) return { value: before.answer }
    const response = own(this.#responses, name)
    // What has not even the shape of an answer is none.
    if (typeof response !== 'object' || response === null) return undefined
    // Without a state nothing was asked before, and the answer is to a first question.
    const asked =
      this.#exchange.state === undefined || (this.#remembered && own(this.#remembered.open, name) === digest)
    return asked ? { value: response } : undefined
  }

  #accept(name: string, question: Question<unknown>, answer: unknown): unknown {
    try {
      return question.accept(answer)
    } catch (error) {
      if (!(error instanceof z.ZodError)) throw error
      const issues = error.issues.slice(0, 20).map((issue) => ({
        path: [name, ...issue.path].join('.').slice(0, 200),
        message: issue.message.slice(0, 300),
      }))
      return this.#end(failure('input_invalid', `the answer to ${name} does not fit what was asked`, { issues }))
    }
  }

  #required(missing: Readonly<Record<string, QuestionRequest>>, answered: Remembered['answered']): Outcome {
    const round = (this.#remembered?.round ?? 0) + 1
    if (round > MAX_ROUNDS || Object.keys(missing).length > MAX_QUESTIONS)
      return failure('input_excessive', 'the call asks for more than the server allows')
    const required = requiredFor(Object.values(missing), this.askable)
    if (required) {
      return failure('client_capability_missing', 'this call asks for what your client cannot be asked', { required })
    }
    const open = Object.fromEntries(Object.entries(missing).map(([name, request]) => [name, digestOf(request)]))
    const state = { round, open, answered } as Json
    const input: InputRequired = { inputRequests: missing, requestState: this.#seal.seal(state, this.#binding()) }
    return { isError: false, structured: {}, text: '', code: 'input_required', input }
  }

  #end(outcome: Outcome): never {
    this.ended = outcome
    throw new CallEnded(outcome.code)
  }
}

function own<T>(values: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined
}

const Capabilities = z.object({
  elicitation: z.looseObject({ form: z.unknown().optional(), url: z.unknown().optional() }).optional(),
  sampling: z.unknown().optional(),
  roots: z.unknown().optional(),
})

function askableOf(capabilities: unknown): Askable {
  const { elicitation, sampling, roots } = Capabilities.safeParse(capabilities).data ?? {}
  const url = elicitation?.url !== undefined
  return {
    // A client from before there were modes declares neither, and means forms.
    form: elicitation !== undefined && (elicitation.form !== undefined || !url),
    url,
    sampling: sampling !== undefined,
    roots: roots !== undefined,
  }
}

/** What the client would have to declare, or undefined when it can be asked all of it. */
function requiredFor(requests: readonly QuestionRequest[], askable: Askable): RequiredCapabilities | undefined {
  const missing = requests.flatMap((request): [string, Record<string, object>][] => {
    switch (request.method) {
      case 'elicitation/create':
        if (request.params['mode'] === 'url') return askable.url ? [] : [['elicitation', { url: {} }]]
        return askable.form ? [] : [['elicitation', { form: {} }]]
      case 'sampling/createMessage':
        return askable.sampling ? [] : [['sampling', {}]]
      case 'roots/list':
        return askable.roots ? [] : [['roots', {}]]
    }
  })
  if (missing.length === 0) return undefined
  const required: Record<string, Record<string, object>> = {}
  for (const [name, modes] of missing) required[name] = { ...required[name], ...modes }
  return required
}
