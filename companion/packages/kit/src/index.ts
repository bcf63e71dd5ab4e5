export { type AuditInput, buildAuditEvent } from './audit/event.ts'
export { DefinitionError } from './authoring/definition-error.ts'
export { collectTools, type Offer, type ToolSource } from './authoring/collect.ts'
export type { Completion, Completions } from './authoring/completion.ts'
export type { AttachedContent, MessageContent, ResourceContent } from './authoring/content.ts'
export type { Askable, LogLevel, Progress, ToolContext } from './authoring/context.ts'
export {
  authorizePrompt,
  authorizeResource,
  authorizeTool,
  prompt,
  resource,
  tool,
} from './authoring/decorators.ts'
export { definePrompt, type FunctionPrompt } from './authoring/define-prompt.ts'
export { defineResource, type FunctionResource } from './authoring/define-resource.ts'
export { defineTool, type FunctionTool } from './authoring/define-tool.ts'
export type { AccessPolicy } from './authoring/policy.ts'
export type { PromptDefinition, PromptOptions, PromptResult } from './authoring/prompt.ts'
export { form, type FormAnswer, openUrl, type Question, roots, sample, titled } from './authoring/question.ts'
export type { ResourceDefinition, ResourceOptions } from './authoring/resource.ts'
export type { ToolAnnotations, ToolDefinition, ToolOptions, ToolPolicy, ToolResult } from './authoring/tool.ts'
export { ToolError } from './authoring/tool-error.ts'
export { type RecordDenial, serverDenials } from './decide/denials.ts'
export { createPolicy, type DecisionInput, type Policy, type PolicyOptions } from './decide/policy.ts'
export { PolicyError } from './decide/policy-error.ts'
export { isScopeRule, mayKnow } from './decide/reasons.ts'
export type { OwnResource, Resource } from './decide/resource.ts'
export { readJsonBody } from './http/body.ts'
export { announce, failedToStart, untilStopped } from './http/lifecycle.ts'
export { type Listening, type ListenOptions, listen } from './http/listen.ts'
export { createLogger, type LogFields, type Logger } from './http/log.ts'
export { HttpProblem, problemResponse } from './http/problem.ts'
export { checkPolicies } from './policies/check-policies.ts'
export { PolicyCase, readPolicyCases } from './policies/policy-case.ts'
export { type PolicyFolder, policiesOf, policyFolder } from './policies/policy-folder.ts'
export { runPolicyCases } from './policies/run-cases.ts'
export { type DatabaseOptions, openDatabase } from './postgres/database.ts'
export { DatabaseError } from './postgres/database-error.ts'
export { migrate } from './postgres/migrate.ts'
export { RecordError, type RecordReason } from './record/record-error.ts'
export { configFromEnvironment, type Limits, type ServerConfig } from './serve/config.ts'
export type { ServerDefinition, StartConfig, StartedTools } from './serve/definition.ts'
export { describeServer, type ServerDescription } from './serve/describe.ts'
export { FAILURE_META } from './serve/methods.ts'
export { runServer } from './serve/run-server.ts'
export { type RunningServer, startServer } from './serve/server.ts'
export {
  type CallingWorkload,
  openWorkloadIdentity,
  type WorkloadIdentityOptions,
} from './spiffe/open-workload-identity.ts'
export { type SpiffeCode, SpiffeError } from './spiffe/spiffe-error.ts'
export type { WorkloadIdentity, X509Identity } from './spiffe/workload-identity.ts'
export { certificatesOf, verifyX509Svid } from './spiffe/x509-svid.ts'
export { type AuthCode, AuthError, resourceMetadataUrl } from './tokens/auth-error.ts'
export {
  createTokenVerifier,
  type TokenRequest,
  type TokenVerifier,
  type TokenVerifierOptions,
  type VerifiedToken,
} from './tokens/verifier.ts'
