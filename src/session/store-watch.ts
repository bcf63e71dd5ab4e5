import { type ChangeSignal, openChangeSignal } from './change-signal.ts'
import type { Log, SecretStore } from './types.ts'

export interface StoreWatchOptions {
  readonly secrets: SecretStore
  readonly folder: string
  /** Milliseconds. */
  readonly lookEvery: number
  readonly log: Log
  /** Makes this window agree with the store. */
  agree(): Promise<void>
  /** `agree` failed. */
  failed(error: unknown): void
  /** After each look. */
  looked(): void
}

/** Follows what other windows do to the stored session: told by a signal and the store, and by looking where both were missed. */
export class StoreWatch {
  readonly #cleanups: (() => void)[] = []
  #looking: Promise<void> | undefined
  #stale = false
  #signal: Promise<ChangeSignal> | undefined

  constructor(readonly options: StoreWatchOptions) {}

  start(): void {
    const { secrets, folder, lookEvery, log } = this.options
    const look = (): void => void this.look()
    const stop = secrets.onChange?.(look)
    if (stop) this.#cleanups.push(stop)
    const timer = setInterval(look, lookEvery)
    timer.unref()
    this.#cleanups.push(() => clearInterval(timer))
    this.#signal = openChangeSignal(folder, look)
    this.#signal.catch(() => log.warn('other windows cannot be watched; the store is looked at instead'))
  }

  /** A change that comes while the store is being read is looked at after. Never rejects. */
  look(): Promise<void> {
    this.#stale = true
    this.#looking ??= this.#lookUntilFresh().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  /** Tells the other windows that something has changed. */
  async tell(): Promise<void> {
    await this.#signal?.then((signal) => signal.send()).catch(() => {})
  }

  dispose(): void {
    for (const cleanup of this.#cleanups) cleanup()
    void this.#signal?.then((signal) => signal.dispose()).catch(() => {})
  }

  async #lookUntilFresh(): Promise<void> {
    while (this.#stale) {
      this.#stale = false
      await this.options.agree().catch((error: unknown) => this.options.failed(error))
    }
    this.options.looked()
  }
}
