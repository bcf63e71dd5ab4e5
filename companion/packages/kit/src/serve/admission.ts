import { GatehouseError } from '@gatehouse/contracts'

/** How many calls a server runs, and how they wait. */
export interface CallLimits {
  /** Calls that run at once. */
  readonly calls: number
  /** Of these, most of one caller. */
  readonly callsPerCaller: number
  /** Calls that wait for a place. */
  readonly waiting: number
  /** Of these, most of one caller. */
  readonly waitingPerCaller: number
  /** Longest wait, milliseconds. */
  readonly patience: number
  /** Requests of one caller that are open at once, streams included. */
  readonly openPerCaller: number
}

export const DEFAULT_CALL_LIMITS: CallLimits = {
  calls: 256,
  callsPerCaller: 64,
  waiting: 1_024,
  waitingPerCaller: 64,
  patience: 10_000,
  openPerCaller: 256,
}

type AdmissionCode = 'too_many_calls' | 'too_many_requests' | 'too_many_failures' | 'shutting_down'

const MESSAGES: Readonly<Record<AdmissionCode, string>> = {
  too_many_calls: 'too many calls of yours run or wait already',
  too_many_requests: 'too many requests of yours are open already',
  too_many_failures: 'too many wrong tokens came from this address',
  shutting_down: 'the server is stopping',
}

/** Not now: the same request may be served a little later. */
export class AdmissionError extends GatehouseError {
  readonly status: 429 | 503
  /** Seconds. */
  readonly retryAfter = 2

  constructor(override readonly code: AdmissionCode) {
    super(code, MESSAGES[code])
    this.status = code === 'shutting_down' ? 503 : 429
  }
}

/** Gives back what was taken. Calling it again does nothing. */
export type Leave = () => void

export interface Admission {
  /** Takes one of the caller's open requests. @throws AdmissionError */
  open(caller: string): Leave
  /**
   * Resolves when the caller may run one more call.
   * @throws AdmissionError, or the signal's reason when the caller goes away while it waits
   */
  enter(caller: string, signal?: AbortSignal): Promise<Leave>
  readonly running: () => number
  readonly waiting: () => number
  /** Sends away whoever waits or comes from now on. */
  close(): void
}

interface Waiter {
  readonly admit: () => void
  readonly refuse: (error: AdmissionError) => void
}

/**
 * Shares the places of a server fairly. Each caller has a share at most and a waiting line of its own, and a place that becomes free goes to
 * the callers in turn: so a caller who floods the server waits behind itself and not before the others. When all lines together are full, the
 * longest gives way to a shorter.
 */
export function createAdmission(limits: CallLimits): Admission {
  const running = createTally()
  const opened = createTally()
  /** In the order in which callers have their turn; no line is empty. */
  const lines = new Map<string, Waiter[]>()
  let waitingCount = 0
  let closed = false

  function begin(caller: string): Leave {
    const leave = running.add(caller)
    let left = false
    return () => {
      if (left) return
      left = true
      leave()
      admitNext()
    }
  }

  /** The first caller in turn that has room in its share. It goes to the back with the rest of its line. */
  function admitNext(): void {
    if (running.total() >= limits.calls) return
    for (const [caller, line] of lines) {
      if (running.of(caller) >= limits.callsPerCaller) continue
      const waiter = line.shift()
      lines.delete(caller)
      if (line.length > 0) lines.set(caller, line)
      waitingCount--
      waiter?.admit()
      return
    }
  }

  /** Room in the waiting lines, if need be at the cost of the longest: its latest is sent away. */
  function makeRoom(own: number): boolean {
    if (own >= limits.waitingPerCaller) return false
    if (waitingCount < limits.waiting) return true
    const longest = [...lines.values()].reduce((a, b) => (b.length > a.length ? b : a), [])
    if (longest.length <= own + 1) return false
    longest.at(-1)?.refuse(new AdmissionError('too_many_calls'))
    return true
  }

  function wait(caller: string, signal: AbortSignal | undefined): Promise<Leave> {
    return new Promise((resolve, reject) => {
      const line = lines.get(caller) ?? []
      const timer = setTimeout(() => waiter.refuse(new AdmissionError('too_many_calls')), limits.patience)
      const gone = () => {
        leaveLine()
        reject(signal?.reason as Error)
      }
      const settle = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', gone)
      }
      function leaveLine(): void {
        settle()
        const index = line.indexOf(waiter)
        if (index < 0) return
        line.splice(index, 1)
        waitingCount--
        if (line.length === 0) lines.delete(caller)
      }
      const waiter: Waiter = {
        admit() {
          settle()
          resolve(begin(caller))
        },
        refuse(error) {
          leaveLine()
          reject(error)
        },
      }
      line.push(waiter)
      lines.set(caller, line)
      waitingCount++
      signal?.addEventListener('abort', gone, { once: true })
    })
  }

  return {
    open(caller) {
      if (opened.of(caller) >= limits.openPerCaller) throw new AdmissionError('too_many_requests')
      return opened.add(caller)
    },
    async enter(caller, signal) {
      if (closed) throw new AdmissionError('shutting_down')
      signal?.throwIfAborted()
      const own = lines.get(caller)?.length ?? 0
      if (own === 0 && running.total() < limits.calls && running.of(caller) < limits.callsPerCaller)
        return begin(caller)
      if (!makeRoom(own)) throw new AdmissionError('too_many_calls')
      return wait(caller, signal)
    },
    running: running.total,
    waiting: () => waitingCount,
    close() {
      closed = true
      for (const waiter of [...lines.values()].flat()) waiter.refuse(new AdmissionError('shutting_down'))
    },
  }
}

/** Counts by caller, and in all. */
function createTally() {
  const counts = new Map<string, number>()
  let total = 0
  return {
    of: (caller: string) => counts.get(caller) ?? 0,
    total: () => total,
    add(caller: string): Leave {
      total++
      counts.set(caller, (counts.get(caller) ?? 0) + 1)
      let left = false
      return () => {
        if (left) return
        left = true
        total--
        const rest = (counts.get(caller) ?? 0) - 1
        if (rest > 0) counts.set(caller, rest)
        else counts.delete(caller)
      }
    },
  }
}
