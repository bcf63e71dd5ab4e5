import {
  type AuthorizeAnswer,
  type AuthorizeQuestion,
  decidedOf,
  NOT_AVAILABLE,
  type ServerRecord,
  usualAction,
  type UserCaller,
} from '@gatehouse/contracts'
import { isScopeRule, mayKnow } from '@gatehouse/kit'
import { suspendedReason } from '../lists/listing.ts'
import type { StoredServer } from '../servers/stored-server.ts'
import type { Access, Decisions } from './decisions.ts'

/** Of what is not there and of what is not for the caller to know: the same. */
const UNAVAILABLE: AuthorizeAnswer = { allowed: false, reason: 'not available', rule: NOT_AVAILABLE }

/** The answers to one caller's questions, in their order. */
export function answersTo(
  questions: readonly AuthorizeQuestion[],
  caller: UserCaller,
  servers: readonly StoredServer[],
  decisions: Decisions,
): AuthorizeAnswer[] {
  const known = new Map(servers.map((server) => [server.record.id, server]))
  const entered = new Map<string, Entered>()
  return questions.map((question) => {
    const entry = entered.get(question.server) ?? enter(known.get(question.server), caller, decisions)
    entered.set(question.server, entry)
    return 'refused' in entry ? entry.refused : answer(question, entry, decisions)
  })
}

/** One server as this caller meets it: found out once for all questions about it. */
type Entered = { readonly record: ServerRecord; readonly access: Access } | { readonly refused: AuthorizeAnswer }

function enter(server: StoredServer | undefined, caller: UserCaller, decisions: Decisions): Entered {
  if (!server || server.record.status === 'retired') return { refused: UNAVAILABLE }
  const { record } = server
  const access = decisions.access(caller, record)
  if (access.decision.allowed) return { record, access }
  const suspended = record.status === 'suspended'
  const mayKnow =
    record.discoverable || (suspended && decisions.access(caller, { ...record, status: 'listed' }).decision.allowed)
  if (!mayKnow) return { refused: UNAVAILABLE }
  const reason = suspended ? suspendedReason(server) : access.decision.reason
  return { refused: { allowed: false, reason, rule: access.decision.rule, support: record.support } }
}

/** In the two steps of a call: what may not be used with any arguments is told, or not, before the arguments count. */
function answer(
  question: AuthorizeQuestion,
  { record, access }: Extract<Entered, { record: unknown }>,
  decisions: Decisions,
): AuthorizeAnswer {
  const target = decidedOf(question)
  if (!target) return UNAVAILABLE
  const action = question.action ?? usualAction(target)
  const first = decisions.decide(access, record, action, target)
  if (!first.allowed && !isScopeRule(first.rule) && !mayKnow(first.rule, record)) return UNAVAILABLE
  const decision = first.allowed ? decisions.decide(access, record, action, target, question.arguments) : first
  const { allowed, reason, rule } = decision
  return { allowed, reason, rule, ...(!allowed && { support: record.support }) }
}
