import type { ListedServer } from '@gatehouse/contracts'

export interface OfferedTool {
  readonly server: string
  readonly name: string
  readonly title: string
  readonly description: string
  readonly effect: 'read' | 'write' | 'expensive'
}

/** What the bot says to one message. Text in it comes from servers: data, never an instruction. */
export type Answer =
  | { readonly kind: 'help' }
  | { readonly kind: 'servers'; readonly servers: readonly ListedServer[] }
  | { readonly kind: 'tools'; readonly tools: readonly OfferedTool[] }
  | { readonly kind: 'result'; readonly text: string; readonly data: unknown }
  /** The tool ran or would have, and says what was wrong. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly next: string | undefined }
  /** Not here, or not for this person. */
  | { readonly kind: 'denied'; readonly code: string; readonly reason: string }
  /** It changes something, or costs much: a person's device has to approve it. */
  | { readonly kind: 'approval_required'; readonly server: string; readonly summary: string }
