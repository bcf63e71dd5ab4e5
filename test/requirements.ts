import { appendFileSync } from 'node:fs'

/**
 * The requirements, each split into its clauses. A test that verifies a clause says so with `verifies('AUTH-6.1')`;
 * `npm run requirements` prints how many tests verify each one and lists the clauses that none does.
 */
export const requirements = {
  'AUTH-1.1':
    'Sign-in starts from the registry URL alone: RFC 9728 metadata leads to RFC 8414 metadata, the issuer is checked exactly',
  'AUTH-1.2': 'Authorization code with PKCE S256; `state` and `iss` (RFC 9207) are checked',
  'AUTH-1.3': 'The redirect comes back by URI handler, loopback port, or pasted code',
  'AUTH-1.4': 'Every failure of sign-in is told with its own code, and nothing hangs',
  'AUTH-2.1': 'One sign-in serves every server: audience-restricted tokens are fetched silently by token exchange',
  'AUTH-2.2': 'A server listed after sign-in needs no browser',
  'AUTH-2.3': 'A token for one server is refused by another',
  'AUTH-2.4':
    'However a provider names a server (scope, exchange, resource), a token that is not for that server alone is not used',
  'AUTH-3.1': 'Secrets live in the keychain, or SecretStorage where there is none, and nowhere else',
  'AUTH-3.2': 'Sign-out revokes and erases',
  'AUTH-3.3': 'A keychain that hangs or is missing is told and does not block',
  'AUTH-4.1': 'The session is an AuthenticationProvider of the editor',
  'AUTH-5.1': 'Refresh is single-flight with rotation',
  'AUTH-5.2': 'A 401 gets one fresh token, then a sign-in that a person starts',
  'AUTH-5.3':
    '`insufficient_scope` gets a wider token, silently where the provider gives one, else by a sign-in that a person starts',
  'AUTH-5.4': 'The end of a sign-in that nothing renews silently is told in time, once, and across reloads',
  'AUTH-5.5':
    'With the identity provider down sessions go on until their tokens expire, new sign-ins and refreshes say so, and nothing is erased',
  'AUTH-6.1': 'Tokens are bound to the device key by DPoP: proof, `ath`, `jkt`, time and replay are verified',
  'AUTH-6.2': 'A bound token sent as a plain bearer is refused; plain bearer only for clients registered so',
  'AUTH-7.1': 'Without an edge the server verifies the token itself',
  'AUTH-7.2':
    'Headers that say who calls are believed only from the edge, over its socket or mutual TLS, and only as far as the forwarded token says the same',
  'AUTH-7.3': 'Behind an edge no call comes in by another way',
  'AUTH-7.4':
    'The edge verifies tokens, refuses whoever says in a header who calls, and tells the server whose the token is',
  'AUTH-7.5':
    'What the edge refuses it refuses with the code and the reason of the server, and its refusals are in the audit',
  'AUTH-7.6': 'The edge is rendered from listed records of one environment, and anew when they change',
  'AUTH-7.7': 'Between edge and server there is mutual TLS, and no other server is taken for the one that is meant',
  'AUTH-8.1': 'One decision function for list and call: what may not be called is not listed',
  'AUTH-8.2': 'Default deny: no policy, a throwing check, an unlisted record all mean no',
  'AUTH-8.3': 'A denial says what is needed and whom to ask',
  'AUTH-8.4':
    'A team writes policies and cases beside its tools; both are checked when it builds and the policies when it starts',
  'AUTH-8.5': 'The registry answers what the server would answer, and tells nothing that the caller may not know',
  'AUTH-8.6': 'A policy may bound the arguments of a call, of those whom it does not exempt',
  'AUTH-8.7': 'What lacks a scope alone is listed, and its call says which scopes the token needs',
  'AUTH-9.1': 'A server accepts only callers of its groups',
  'AUTH-9.2': 'A tool, a prompt or a resource is for those alone who are in the groups and roles that its policy names',
  'AUTH-9.3': 'Whoever may not use a server hears so at the door, whatever they ask, in both eras',
  'AUTH-10.1': 'A workload may never write',
  'AUTH-10.2': 'An X.509-SVID is believed only from an authority of the trust domain that it names',
  'AUTH-10.3': 'A JWT-SVID is believed only for this server alone, in time, and by a key of its trust domain',
  'AUTH-10.4':
    'Identities are kept current from the Workload API, rotate while the server runs, and are used without it until they expire and no longer',
  'AUTH-10.5':
    'A recorded service calls the read-only tools that its record names, and the audit says which service it was',
  'AUTH-10.6':
    'Whoever shows an SVID is looked at for each request, and our own SVID is renewed without an end to running calls',
  'AUTH-11.1': 'The client registration decides the surface',
  'AUTH-11.2': 'A channel is believed only under the signature that the registration names, never from a header',
  'AUTH-11.3':
    'A server works on the surfaces and in the channels of its record alone, at list and call, and the denial says so',
  'AUTH-11.4': 'The key of a client that speaks for many approves nothing, and nobody signs in as it',
  'REG-1.1': 'The v0.1 read API lists servers, versions and the latest version',
  'REG-1.2': 'Without a token only public records are listed',
  'REG-2.1': 'The governance record stands in `_meta` and in the signed list',
  'REG-3.1': 'A record is served only while its status is listed',
  'REG-4.1': 'A server whose surface differs from the reviewed digest is neither listed nor called',
  'REG-5.1': 'The approved list is signed, short-lived, and filtered to the caller',
  'REG-9.1': 'PostgreSQL storage with migrations; the audit log is append-only and hash-chained',
  'EDIT-1.1': 'Approved servers are pulled, verified and cached',
  'EDIT-1.2': 'A cached list is used only while its signature is unexpired; then access is closed',
  'EDIT-1.3': 'The tree shows owner, support channel, review state, health and tools',
  'EDIT-2.1': "Every tool the person may call is offered to the editor's chat, and called through the embedded client",
  'EDIT-2.2': '@gatehouse answers in the chat',
  'EDIT-2.3': 'Prompts, resources and results beyond text reach the chat, each reviewed and access asked at every use',
  'EDIT-3.1': 'A write becomes a step in the panel and waits for the person',
  'EDIT-3.2': 'Rejected: nothing runs; approved: exactly that runs, exactly once',
  'EDIT-3.3': 'Pending and approved steps survive a reload, and nothing runs by itself',
  'EDIT-4.1': 'An elicitation form is made from the schema and validated',
  'EDIT-4.2': 'Accept, decline and cancel are told apart; URL mode shows the domain',
  'EDIT-8.1': 'Errors say what happened and what to do, from one table',
  'SRV-P.1': 'search_tables and describe_table show only what the caller may read',
  'SRV-P.2': 'Read-only is decided from the parsed statement; what is not fully understood is a write',
  'SRV-P.3': 'run_query has row, byte and time limits, pages by handle, and cancel reaches the engine',
  'SRV-P.4': 'execute_statement needs an approval and shows what it will touch',
  'SRV-KIT.1': 'A server author writes a class with schemas and policies; a tool without a policy fails at start',
  'SRV-KIT.2': 'Both protocol eras are served',
  'SRV-KIT.3': 'Calls are served only under a valid signed record',
  'SRV-KIT.4': 'A receipt is verified: key, time, audience, subject, arguments, tool digest, single use',
  'SRV-KIT.5': 'Of calls racing on one receipt exactly one runs',
  'SRV-KIT.6': 'Progress and cancellation reach the tool',
  'SRV-KIT.7': 'Input, output and size are checked; duplicate keys are refused',
  'SRV-KIT.8': 'SIGTERM drains',
  'SRV-KIT.10': 'Every caller has a fair share: one that floods the server holds up nobody but itself',
  'SRV-KIT.11':
    'Sizes, times and numbers of what clients send, read and leave open are bounded, each with its own answer',
  'SRV-KIT.12': 'What cannot be recorded is refused and says so, and is served again once there is room',
  'SRV-KIT.9': 'Equal data, equal digest; unequal data, unequal digest; what JSON can hide is refused',
  'SRV-KIT.13':
    'Prompts, resources and templates are decided, listed, read, completed and audited like tools; changes are told to those who may see them',
  'SRV-KIT.14':
    'A call may ask its client in both eras; the state between rounds is sealed, and bound to caller, client, tool and arguments; an answer is no approval',
  'SRV-KIT.15': 'Results carry images, audio and resources, and log lines at the level the client asks for',
  'OBS-1.1': 'Spans and metrics follow the MCP conventions and continue the caller’s trace',
  'OBS-2.1': 'Every call, allowed or denied, is in the audit before its result is returned',
  'OBS-2.2': 'The audit holds redacted arguments and never rows or tokens',
  'OPS-1.1': 'One command starts everything on embedded defaults and stops it cleanly',
  'OPS-1.2': 'After kill -9 a new start works and the data is intact',
} as const satisfies Record<string, string>

export type RequirementId = keyof typeof requirements

/** Says that the running test verifies these clauses. An unknown id does not compile. */
export function verifies(...ids: RequirementId[]): void {
  const file = process.env['GATEHOUSE_REQUIREMENTS_FILE']
  if (file) appendFileSync(file, ids.map((id) => `${id}\n`).join(''))
}
