/** What a sign-in may settle for. */
export interface SignInPolicy {
  /**
   * Access tokens bound to the device key (RFC 9449). `where-offered` takes a bearer token from a provider that publishes no DPoP; from one
   * that does, an unbound token is refused all the same.
   */
  readonly binding: 'required' | 'where-offered'
  /** `openid`: an ID token must say who signed in, and a refresh token must come. `unknown`: a plain OAuth provider says neither. */
  readonly identity: 'openid' | 'unknown'
  /** RFC 7591, which MCP 2026-07-28 deprecates. `dynamic` registers this editor where nothing else identifies it. */
  readonly registration: 'never' | 'dynamic'
  /**
   * `well-known`: the place that RFC 9728 section 3.1 derives from the resource. `challenge`: what a 401 names first, then that place, then
   * the root's (MCP 2026-07-28, authorization, protected resource metadata discovery); until a 401 came, requests go without a token.
   */
  readonly discovery: 'well-known' | 'challenge'
  /** `exact`: a token is used only where it says that it is for that one resource alone (RFC 9068). `unchecked`: the resource sees to it. */
  readonly audience: 'exact' | 'unchecked'
}

/** Gatehouse's own: a registry is known by its address, its provider binds every token, and who may ask was registered by people. */
export const COMPANY_POLICY: SignInPolicy = {
  binding: 'required',
  identity: 'openid',
  registration: 'never',
  discovery: 'well-known',
  audience: 'exact',
}
