/** When the sign-in ends if nothing renews it, and when the provider said so. Epoch milliseconds of this machine's clock. */
export interface SignInEnd {
  readonly at: number
  readonly saidAt: number
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

/** Two statements closer than this tell nothing about whether a refresh moves the end, milliseconds. */
const TELLING = 5_000

/**
 * Knows whether a sign-in will end soon, so that a person is told before it bites and only then. An end that each refresh moves on
 * is no end: before it says anything it refreshes once, and looks whether the end has moved. The provider's statements are durations, so the
 * end is right whatever this machine's clock shows; one that is put right meanwhile costs a refresh, which says it anew.
 */
export class EndWatch {
  #end: SignInEnd | undefined
  /** The statement that the next one is compared with. */
  #earlier: SignInEnd | undefined
  #isFixed: boolean
  #told: number | undefined
  #checking: Promise<void> | undefined

  /** @param isFixed nothing can renew it: there is no refresh token */
  constructor(
    readonly options: EndWatchOptions,
    end: SignInEnd | undefined,
    isFixed: boolean,
  ) {
    this.#end = end
    this.#earlier = end
    this.#isFixed = isFixed
  }

  /** Where the end is near and nothing renews it: when it is, epoch milliseconds. */
  get near(): number | undefined {
    return this.#told
  }

  /** What the provider says after a refresh, in this window or another. */
  learn(end: SignInEnd | undefined): void {
    const { now } = this.options
    this.#end = end
    const earlier = this.#earlier
    if (!end || !earlier || earlier.saidAt > now()) {
      this.#earlier = end
      return
    }
    const passed = end.saidAt - earlier.saidAt
    if (passed < TELLING) return
    this.#isFixed = end.at - earlier.at < passed / 2
    this.#earlier = end
  }

  /** Looks at the clock; renews where that may help. Never rejects. */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined
    })
    return this.#checking
  }

  async #check(): Promise<void> {
    if (this.#isNear() && !this.#isFixed) {
      try {
        await this.options.renew()
      } catch {
        // The provider cannot be asked: as far as anyone knows the end stands, and the next look asks again.
      }
    }
    const told = this.#isNear() ? this.#end?.at : undefined
    if (told === this.#told) return
    this.#told = told
    this.options.onChange()
  }

  #isNear(): boolean {
    const end = this.#end
    if (!end) return false
    const warnBefore = this.options.warnBefore()
    // Lives shorter than the warning are renewed half-way, where they can be.
    const limit = this.#isFixed ? warnBefore : Math.min(warnBefore, (end.at - end.saidAt) / 2)
    return end.at - this.options.now() <= limit
  }
}
