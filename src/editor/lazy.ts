/** Something costly that is made at first use, once, and then followed by whoever shows it. */
export interface Lazy<T> {
  get(): Promise<T>
  /** The value if it has been made. */
  peek(): T | undefined
  /** Runs `listener` once the value is there; now, if it is. */
  whenReady(listener: (value: T) => void): void
}

/** A maker that fails is tried again at the next `get`. */
export function lazy<T>(make: () => Promise<T>): Lazy<T> {
  let made: { value: T } | undefined
  let pending: Promise<T> | undefined
  const listeners: ((value: T) => void)[] = []
  return {
    get() {
      pending ??= make().then(
        (value) => {
          made = { value }
          for (const listener of listeners.splice(0)) listener(value)
          return value
        },
        (error: unknown) => {
          pending = undefined
          throw error
        },
      )
      return pending
    },
    peek: () => made?.value,
    whenReady(listener) {
      if (made) listener(made.value)
      else listeners.push(listener)
    },
  }
}
