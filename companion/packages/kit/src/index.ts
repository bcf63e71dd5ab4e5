export { collectTools, type ToolSource } from './authoring/collect.ts'
export type { Progress, ToolContext } from './authoring/context.ts'
export { authorizeTool, tool } from './authoring/decorators.ts'
export { defineTool, type FunctionTool } from './authoring/define-tool.ts'
export type { ToolAnnotations, ToolDefinition, ToolOptions, ToolPolicy, ToolResult } from './authoring/tool.ts'
export { ToolError } from './authoring/tool-error.ts'
export type { Resource } from './decide/resource.ts'
export type { ServerDefinition, StartConfig, StartedTools } from './serve/definition.ts'
export { type AuthCode, AuthError, resourceMetadataUrl } from './tokens/auth-error.ts'
export {
  createTokenVerifier,
  type TokenRequest,
  type TokenVerifier,
  type TokenVerifierOptions,
  type VerifiedToken,
} from './tokens/verifier.ts'
