import type { Plan, PromptSurface, ResourceSurface, ServerRecord, ToolSurface } from '@gatehouse/contracts'
import type { Content, ResourceContents } from './content.ts'

export type ServerHealth =
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting' }
  | { readonly kind: 'ready' }
  /** `surface_mismatch`, `server_unreachable`, `server_timeout`, `server_refused`, … (errors.ts); `retryAt` in epoch milliseconds. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly retryAt?: number }

export interface ToolCall {
  readonly server: string
  readonly tool: string
  readonly arguments: Record<string, unknown>
  readonly origin: Plan['origin']
  /** W3C traceparent of the caller, if it sent one. */
  readonly traceparent?: string | undefined
  /**
   * Aborted by whoever asked: a pending step is withdrawn and the server is told to stop. Aborted with a ConnectionError of code
   * `channel_broken`: the asker is gone, its step stays to be decided, and what a person has approved runs to its end.
   */
  readonly signal: AbortSignal
  readonly onProgress?: ((progress: ToolProgress) => void) | undefined
}

export interface ToolProgress {
  readonly progress: number
  readonly total?: number | undefined
  readonly message?: string | undefined
}

/** A result as MCP carries it; a refusal or failure is `isError` with words that say so. Text and structured are untrusted data. */
export interface ToolOutcome {
  readonly isError: boolean
  readonly code?: string | undefined
  readonly text: string
  readonly structured?: Record<string, unknown> | undefined
  /** Every block in order, where there is more than text for the model: images, audio, resources, what is for the person alone. */
  readonly content?: readonly Content[] | undefined
}

export interface OfferedTool {
  readonly server: ServerRecord
  readonly tool: ToolSurface
  readonly effect: 'read' | 'expensive' | 'write'
}

export interface OfferedPrompt {
  readonly server: ServerRecord
  readonly prompt: PromptSurface
}

/** One resource, or a template of many. */
export interface OfferedResource {
  readonly server: ServerRecord
  readonly resource: ResourceSurface
}

export interface PromptRequest {
  readonly server: string
  readonly name: string
  readonly arguments: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

/** What a prompt expands to (MCP server/prompts). All of it is untrusted. */
export interface PromptText {
  readonly description?: string | undefined
  readonly messages: readonly { readonly role: 'user' | 'assistant'; readonly content: Content }[]
}

export interface ResourceRequest {
  readonly server: string
  readonly uri: string
  readonly signal: AbortSignal
}

/** An elicitation request from a server (MCP client/elicitation), shown in Gatehouse's own form. All of it is untrusted. */
export type Elicitation =
  | { readonly mode: 'form'; readonly server: string; readonly message: string; readonly schema: unknown }
  | { readonly mode: 'url'; readonly server: string; readonly message: string; readonly url: string }
export type ElicitationAnswer =
  | { readonly action: 'accept'; readonly content?: Record<string, unknown> }
  | { readonly action: 'decline' }
  | { readonly action: 'cancel' }

/** Structured log line; never holds arguments, tokens or text of a server. */
export type ConnectionsLog = (line: { level: 'info' | 'warn' | 'error'; code: string; message: string }) => void

/** The one way through: whatever calls a tool calls it here. */
export interface Connections {
  health(server: string): ServerHealth
  onChange(listener: () => void): () => void
  /**
   * Tools of one server that the caller may call and whose digest is the reviewed one, by name. None for a server that is not allowed.
   * @throws ConnectionError
   */
  tools(server: string, signal?: AbortSignal): Promise<readonly OfferedTool[]>
  /**
   * Prompts of one server that its record names, as reviewed, by name. None for a server that is not allowed.
   * @throws ConnectionError
   */
  prompts(server: string, signal?: AbortSignal): Promise<readonly OfferedPrompt[]>
  /** Its resources and resource templates, as reviewed, by place. @throws ConnectionError */
  resources(server: string, signal?: AbortSignal): Promise<readonly OfferedResource[]>
  /** @throws ConnectionError, or the signal's reason */
  getPrompt(request: PromptRequest): Promise<PromptText>
  /** Reads a recorded resource, or a place that a recorded template allows. @throws ConnectionError, or the signal's reason */
  readResource(request: ResourceRequest): Promise<readonly ResourceContents[]>
  /** The server's instructions, if `tools` has been called since it connected and they are the reviewed ones. */
  instructions(server: string): string | undefined
  /** Never rejects: whatever goes wrong is an outcome with `isError`. */
  call(call: ToolCall): Promise<ToolOutcome>
  dispose(): Promise<void>
}
