const MAX_SCOPES = 50

/** Scopes for want of which a server refused: the next sign-in asks for them. */
export class NeededScopes {
  #scopes: readonly string[] = []

  /** @param onNew told once for a scope */
  constructor(readonly onNew: () => void) {}

  all(): readonly string[] {
    return this.#scopes
  }

  add(scopes: readonly string[]): void {
    const all = [...new Set([...this.#scopes, ...scopes])].slice(0, MAX_SCOPES)
    if (all.length === this.#scopes.length) return
    this.#scopes = all
    this.onNew()
  }

  clear(): void {
    this.#scopes = []
  }
}
