/** How long a decision button must have stood still, in view, before it takes a click. Milliseconds. */
export const ARMING_DELAY = 500

/**
 * Guards against a click that was meant for what stood there before: whenever the rows change or the page comes into view, every
 * button waits anew.
 */
export class Arming {
  #layout: string | undefined
  #since = Number.POSITIVE_INFINITY

  /** Tells what is on the page; `layout` is equal as long as no button can have moved. */
  showing(layout: string, now: number): void {
    if (layout === this.#layout) return
    this.#layout = layout
    this.#since = now
  }

  /** The page was hidden, or has just come back. */
  restart(now: number): void {
    this.#since = now
  }

  armed(now: number): boolean {
    return now - this.#since >= ARMING_DELAY
  }
}
