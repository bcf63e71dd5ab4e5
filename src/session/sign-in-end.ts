/** When the sign-in ends if nothing renews it. Epoch milliseconds of this machine's clock. */
export interface SignInEnd {
  readonly at: number
  /** When the provider said so. */
  readonly saidAt: number
  /** A refresh does not move it on. */
  readonly isFixed: boolean
}

/** Two statements closer than this tell nothing about whether a refresh moves the end, milliseconds. */
const TELLING = 5_000

/**
 * What a refresh says of the end, beside what was known before it. An end that each refresh moves on by the time that has passed is no end;
 * one that stays is.
 */
export function endAfter(known: SignInEnd | undefined, at: number, now: number): SignInEnd {
  // A statement of the future is from before the clock was put right.
  if (!known || known.saidAt > now) return { at, saidAt: now, isFixed: false }
  const passed = now - known.saidAt
  if (passed < TELLING) return known
  return { at, saidAt: now, isFixed: at - known.at < passed / 2 }
}

export interface EndWatchOptions {
  readonly now: () => number
  /** Milliseconds. */
  readonly warnBefore: () => number
  /** Refreshes silently; what the provider then says of the end is given to `learn`. */
  renew(): Promise<void>
  /** `near` is another. */
  onChange(): void
}

/**
 * Knows whether a sign-in will end soon, so that a person is told before it bites and only then: before it says anything it refreshes once,
 * and looks whether the end has moved. The provider's statements are durations, so the end is right whatever this machine's clock shows; one
 * that is put right meanwhile costs a refresh, which says it anew.
 */
export class EndWatch {
  #end: SignInEnd | undefined
  #near: number | undefined
  #checking: Promise<void> | undefined

  constructor(
    readonly options: EndWatchOptions,
    end: SignInEnd | undefined,
  ) {
    this.#end = end
  }

  /** Where the end is near and nothing renews it: when it is, epoch milliseconds. */
  get near(): number | undefined {
    return this.#near
  }

  /** After a refresh, in this window or another. */
  learn(end: SignInEnd | undefined): void {
    const known = this.#end
    // Read from the store just before this window stored a later one.
    const isStale = end && known && end.saidAt < known.saidAt && known.saidAt <= this.options.now()
    if (!isStale) this.#end = end
  }

  /** Looks at the clock; renews where that may help. Never rejects. */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined
    })
    return this.#checking
  }

  async #check(): Promise<void> {
    const isRenewed = this.#isNear() && !this.#end?.isFixed && (await this.#renewed())
    const isEnding = this.#isNear() && (this.#end?.isFixed === true || !isRenewed)
    const near = isEnding ? this.#end?.at : undefined
    if (near === this.#near) return
    this.#near = near
    this.options.onChange()
  }

  /** Where the provider cannot be asked, the end stands as far as anyone knows, and the next look asks again. */
  async #renewed(): Promise<boolean> {
    try {
      await this.options.renew()
      return true
    } catch {
      return false
    }
  }

  #isNear(): boolean {
    const end = this.#end
    if (!end) return false
    const warnBefore = this.options.warnBefore()
    // Lives shorter than the warning are renewed half-way, where they can be.
    const limit = end.isFixed ? warnBefore : Math.min(warnBefore, (end.at - end.saidAt) / 2)
    return end.at - this.options.now() <= limit
  }
}
