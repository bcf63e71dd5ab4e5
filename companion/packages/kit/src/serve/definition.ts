import type { Offer, ToolSource } from '../authoring/collect.ts'
import type { PolicyFolder } from '../policies/policy-folder.ts'

/**
 * All that a server author writes beside the class of tools:
 * ```ts
 * await runServer({
 *   id: 'presto', title: 'Presto', version: '0.1.0', toolsClass: PrestoTools, policies: policiesOf(import.meta.url),
 *   async start({ data, signal }) {
 *     const engine = await openEngine(data, signal)
 *     return { tools: new PrestoTools(engine), dispose: () => engine.close() }
 *   },
 * })
 * ```
 */
export interface ServerDefinition {
  /** Short name inside the registry (`ServerId`). */
  readonly id: string
  readonly title: string
  readonly version: string
  /** Reaches the model's system prompt, so reviewers sign it. */
  readonly instructions?: string
  /**
   * The class that `start` returns an instance of, or the tools, prompts and resources in their function form. `--describe` reads its
   * decorators and starts nothing.
   */
  readonly toolsClass: { readonly prototype: object } | readonly Offer[]
  /** The server's own Cedar policies, for its own resources; see `decide/README.md`. They can forbid a tool, never widen it. */
  readonly cedar?: string
  /** What its text needs beyond the kit's Cedar schema: entity types of its own resources. */
  readonly cedarSchema?: string
  /** The same as files, beside the tools: `policiesOf(import.meta.url)`. */
  readonly policies?: PolicyFolder
  /** Opens what the tools need. `data` is the server's own folder, which exists; `signal` aborts when the server is told to stop before it is ready. */
  start(config: StartConfig): Promise<StartedTools>
}

export interface StartConfig {
  readonly data: string
  readonly signal: AbortSignal
  /** Tells those who subscribed to it, and may read it, that the resource at this address has changed. */
  resourceChanged(uri: string): void
}

export interface StartedTools {
  readonly tools: ToolSource
  /** Called once, after the last call has ended. */
  dispose(): Promise<void>
}
