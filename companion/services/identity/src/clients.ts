import type { ClientMetadata } from 'oidc-provider'

/** RFC 8693 §2.1. */
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const VSCODE_CLIENT = 'gatehouse-vscode'
export const CLI_CLIENT = 'gatehouse-cli'

/** oidc-provider ignores the port of a loopback redirect of a native client (RFC 8252 §7.3). */
const LOOPBACK = 'http://127.0.0.1/callback'
const EDITOR_SCHEMES = ['vscode', 'vscode-insiders', 'code-oss']

/** The first-party clients. All are public: PKCE, and for the editor DPoP, stand in for a secret that could not be kept. */
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
  ]
}
