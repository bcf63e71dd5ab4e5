/** Where the identity provider's answer comes back (RFC 6749 section 3.1.2). One redirect serves one sign-in. */
export interface Redirect {
  readonly kind: RedirectKind
  /** The exact `redirect_uri` of the request. */
  readonly uri: string
  /** The parameters of the answer, unchecked. @throws the signal's reason, or SessionError */
  wait(signal: AbortSignal): Promise<URLSearchParams>
  dispose(): void
}

export type RedirectKind = 'uri-handler' | 'loopback' | 'pasted'

/** Makes the redirect for a sign-in with one issuer. */
export type RedirectFactory = (issuer: string) => Promise<Redirect>

/** What is known about the place the editor runs in. */
export interface HostFacts {
  readonly uiKind: 'desktop' | 'web'
  /** The extension runs on another machine than the window (SSH, container, WSL). */
  readonly remote: boolean
  /** The editor's own scheme (`vscode:`, `code-oss:`, …) is registered with the identity provider and with the operating system. */
  readonly uriHandlerWorks: boolean
}

/**
 * In browser-served VS Code no scheme leads back to the editor and the loopback of the person's machine is not ours; on a remote host
 * the loopback is not ours either, while the editor carries its own scheme to the remote extension.
 */
export function chooseRedirect(facts: HostFacts): RedirectKind {
  if (facts.uiKind === 'web') return 'pasted'
  if (facts.uriHandlerWorks) return 'uri-handler'
  return facts.remote ? 'pasted' : 'loopback'
}
