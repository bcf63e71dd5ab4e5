import type { ServerRecord, ToolSurface } from '@gatehouse/contracts'
import type { Plan } from '@gatehouse/contracts'

export type ServerHealth =
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'ready' }
  /** `surface_mismatch`, `server_unreachable`, `server_timeout`, `server_refused`, … */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly retryAt?: number }

export interface ToolCall {
  readonly server: string
  readonly tool: string
  readonly arguments: Record<string, unknown>
  readonly origin: Plan['origin']
  /** W3C traceparent of the caller, if it sent one. */
  readonly traceparent?: string
  readonly signal: AbortSignal
  onProgress?(progress: { progress: number; total?: number; message?: string }): void
}

/** A result as MCP carries it; a refusal or failure is `isError` with words that say so. */
export interface ToolOutcome {
  readonly isError: boolean
  readonly code?: string
  readonly text: string
  readonly structured?: Record<string, unknown>
}

export interface OfferedTool {
  readonly server: ServerRecord
  readonly tool: ToolSurface
  readonly effect: 'read' | 'expensive' | 'write'
}

/** An elicitation request from a server (MCP client/elicitation), shown in Gatehouse's own form. */
export type Elicitation =
  | { readonly mode: 'form'; readonly server: string; readonly message: string; readonly schema: unknown }
  | { readonly mode: 'url'; readonly server: string; readonly message: string; readonly url: string }
export type ElicitationAnswer =
  | { readonly action: 'accept'; readonly content?: Record<string, unknown> }
  | { readonly action: 'decline' }
  | { readonly action: 'cancel' }

/** The one way through: whatever calls a tool calls it here. */
export interface Connections {
  health(server: string): ServerHealth
  onChange(listener: () => void): () => void
  /** Tools of one server that the caller may call and whose digest is the reviewed one. */
  tools(server: string, signal?: AbortSignal): Promise<readonly OfferedTool[]>
  call(call: ToolCall): Promise<ToolOutcome>
  dispose(): Promise<void>
}
