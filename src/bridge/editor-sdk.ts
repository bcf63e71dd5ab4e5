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
  return {
    Server,
    StreamableHTTPServerTransport,
    McpError: types.McpError,
    CallToolRequestSchema: types.CallToolRequestSchema,
    GetPromptRequestSchema: types.GetPromptRequestSchema,
    JSONRPCMessageSchema: types.JSONRPCMessageSchema,
    ListPromptsRequestSchema: types.ListPromptsRequestSchema,
    ListResourcesRequestSchema: types.ListResourcesRequestSchema,
    ListResourceTemplatesRequestSchema: types.ListResourceTemplatesRequestSchema,
    ListToolsRequestSchema: types.ListToolsRequestSchema,
    ReadResourceRequestSchema: types.ReadResourceRequestSchema,
  }
}

export type EditorSdk = Awaited<ReturnType<typeof loadEditorSdk>>
