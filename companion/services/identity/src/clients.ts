import type { ClientMetadata } from 'oidc-provider'

/** RFC 8693 §2.1. */
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const VSCODE_CLIENT = 'gatehouse-vscode'
export const CLI_CLIENT = 'gatehouse-cli'
export const TEAM_CHAT_CLIENT = 'gatehouse-team-chat'

/** oidc-provider ignores the port of a loopback redirect of a native client (RFC 8252 §7.3). */
const LOOPBACK = 'http://127.0.0.1/callback'
const EDITOR_SCHEMES = ['vscode', 'vscode-insiders', 'code-oss']

/**
 * The first-party clients. Those that people sign in with are public: PKCE, and for the editor DPoP, stand in for a secret that could not be kept.
 * The team chat's bot is believed when it says in which channel somebody is, so nobody may sign in as it: its tokens come from `/dev/token` alone,
 * which asks for the stack's secret. At a company's provider it is a confidential client.
 */
export function clients(issuer: string): readonly ClientMetadata[] {
  const native = { application_type: 'native', response_types: ['code'], token_endpoint_auth_method: 'none' } as const
  return [
    {
      ...native,
      client_id: VSCODE_CLIENT,
      client_name: 'Gatehouse for VS Code',
      grant_types: ['authorization_code', 'refresh_token', TOKEN_EXCHANGE],
      redirect_uris: [
        LOOPBACK,
        ...EDITOR_SCHEMES.map((scheme) => `${scheme}://gatehouse.gatehouse/callback`),
        `${issuer}/code`,
      ],
      dpop_bound_access_tokens: true,
    },
    {
      ...native,
      client_id: CLI_CLIENT,
      client_name: 'Gatehouse command line',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [LOOPBACK, `${issuer}/code`],
    },
    {
      client_id: TEAM_CHAT_CLIENT,
      client_name: 'Gatehouse in the team chat',
      application_type: 'web',
      token_endpoint_auth_method: 'none',
      grant_types: [],
      response_types: [],
      redirect_uris: [],
      dpop_bound_access_tokens: true,
    },
  ]
}
