/** One MCP server definition offered to the editor; a server has one for its reads and one for its writes. */
export interface BridgeDefinition {
  readonly id: string
  readonly server: string
  readonly side: 'reads' | 'writes'
  /** Short, for VS Code's tool prefix has 18 characters: `Presto`, `Presto writes`. */
  readonly label: string
  /** `unix:///path.sock#/mcp/presto/reads`, `pipe:…`, or `http://127.0.0.1:PORT/…`. */
  readonly uri: string
  readonly headers: Readonly<Record<string, string>>
  /** Changes when the tools change. */
  readonly version: string
}

export interface Bridge {
  definitions(): readonly BridgeDefinition[]
  onChange(listener: () => void): () => void
  /** Called when VS Code starts a definition: returns it with a fresh secret. */
  resolve(id: string): BridgeDefinition | undefined
  dispose(): Promise<void>
}

/** Structured log line; never holds secrets or arguments. */
export type BridgeLog = (line: { level: 'info' | 'warn' | 'error'; code: string; message: string }) => void
