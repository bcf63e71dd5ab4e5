/** Asks a server beside a call whether it is still there. Rejects when it does not answer in time. */
type Probe = () => Promise<unknown>

export interface LivenessOptions {
  /** How long a call may be silent before the server is asked, milliseconds. */
  readonly every: number
  readonly probe: Probe
  /** Whether a failed probe means that nobody is there. */
  readonly isDead: (error: unknown) => boolean
}

/**
 * A slow call and a server that hangs look alike from outside, so that a time limit on the call would be too short for one or too long for the
 * other. A server that lives answers something cheap beside the call: while it does, the call may take its time.
 * @throws whatever the probe that found nobody failed with
 */
export async function whileAlive<T>(
  { every, probe, isDead }: LivenessOptions,
  call: (dead: AbortSignal, heard: () => void) => Promise<T>,
): Promise<T> {
  const dead = new AbortController()
  const lost = Promise.withResolvers<never>()
  lost.promise.catch(() => undefined)
  let timer: NodeJS.Timeout | undefined
  let over = false
  const wait = () => {
    clearTimeout(timer)
    if (!over) timer = setTimeout(() => void ask(), every)
  }
  const ask = async () => {
    try {
      await probe()
    } catch (error) {
      if (!over && isDead(error)) {
        lost.reject(error)
        return dead.abort()
      }
    }
    wait()
  }
  wait()
  try {
    return await Promise.race([call(dead.signal, wait), lost.promise])
  } finally {
    over = true
    clearTimeout(timer)
  }
}
