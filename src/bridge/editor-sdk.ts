/**
 * The 2025-11-25 reference implementation, which VS Code's own client speaks to. Loaded when the first session opens, so that activation
 * does not pay for it (docs/decisions/0001).
 */
export async function loadEditorSdk() {
  const [{ Server }, { StreamableHTTPServerTransport }, types] = await Promise.all([
    import('@modelcontextprotocol/sdk/server/index.js'),
    import('@modelcontextprotocol/sdk/server/streamableHttp.js'),
    import('@modelcontextprotocol/sdk/types.js'),
  ])
  const { CallToolRequestSchema, JSONRPCMessageSchema, ListToolsRequestSchema } = types
  return { Server, StreamableHTTPServerTransport, CallToolRequestSchema, JSONRPCMessageSchema, ListToolsRequestSchema }
}

export type EditorSdk = Awaited<ReturnType<typeof loadEditorSdk>>
