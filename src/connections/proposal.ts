import { assertJson, type Digest, digestOf, type Effect, type Proposal, type ServerRecord } from '@gatehouse/contracts'
import type { Proposing } from '../plans/types.ts'
import { ConnectionError } from './errors.ts'
import type { ToolCall } from './types.ts'

const MAX_SUMMARY = 4000
const RANK: Readonly<Record<Effect, number>> = { read: 0, expensive: 1, write: 2 }

/** @throws ConnectionError `arguments_invalid` for what canonical JSON cannot carry, and so no receipt can name exactly */
export function argumentsDigest(args: Record<string, unknown>): Digest {
  try {
    assertJson(args)
    return digestOf(args)
  } catch (cause) {
    throw new ConnectionError(
      'arguments_invalid',
      'The arguments hold a value that cannot be sent exactly, such as an integer beyond 2^53.',
      {
        cause,
      },
    )
  }
}

/**
 * The step that a person decides: our own arguments and the reviewed digest, with the server's summary and touches as untrusted words.
 * A server can raise the recorded effect of one call, never lower it.
 * @throws ConnectionError `proposal_mismatch`: the server would run something else than what was asked
 */
export function proposing(
  call: ToolCall,
  record: ServerRecord,
  tool: { readonly digest: Digest; readonly effect: Effect },
  proposal: Proposal,
  context: { readonly subject: string; readonly policyVersion: string },
): Proposing {
  const same =
    proposal.server === record.id &&
    proposal.tool === call.tool &&
    proposal.toolDigest === tool.digest &&
    proposal.argumentsDigest === argumentsDigest(call.arguments)
  if (!same) {
    throw new ConnectionError(
      'proposal_mismatch',
      `${record.title} asks to approve something else than what was asked for. Nothing was run.`,
    )
  }
  return {
    step: {
      server: record.id,
      tool: call.tool,
      arguments: call.arguments,
      toolDigest: tool.digest,
      effect: RANK[proposal.effect] > RANK[tool.effect] ? proposal.effect : tool.effect,
      summary: proposal.summary.slice(0, MAX_SUMMARY),
    },
    touches: proposal.touches,
    origin: call.origin,
    policyVersion: context.policyVersion,
    subject: context.subject,
  }
}
