/** Runs what it is given one after the other, in the order given; a failure does not stop the next. */
export interface Lane {
  run<T>(work: () => Promise<T>): Promise<T>
}

export function createLane(): Lane {
  let last: Promise<unknown> = Promise.resolve()
  return {
    run(work) {
      const result = last.then(work, work)
      last = result.catch(() => undefined)
      return result
    },
  }
}
