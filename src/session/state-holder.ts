import type { Log, SessionState } from './types.ts'

/** The state of the session, and who wants to know of changes. */
export class StateHolder {
  #state: SessionState = { kind: 'restoring' }
  readonly #listeners = new Set<(state: SessionState) => void>()

  constructor(readonly log: Log) {}

  get state(): SessionState {
    return this.#state
  }

  /** Being signed out twice is no news. */
  become(state: SessionState): void {
    if (state.kind === 'signed-out' && this.#state.kind === 'signed-out') return
    this.#state = state
    for (const listener of this.#listeners) {
      try {
        listener(state)
      } catch {
        this.log.warn('a listener of the session failed')
      }
    }
  }

  onChange(listener: (state: SessionState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  dispose(): void {
    this.#listeners.clear()
  }
}
