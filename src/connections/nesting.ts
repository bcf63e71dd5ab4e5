/** Deepest JSON that is read: what reads it after this goes down by recursion, and an overflow there would not say what was wrong. */
const MAX_DEPTH = 200

const [QUOTE, BACKSLASH, LINE_FEED, CARRIAGE_RETURN] = [0x22, 0x5c, 0x0a, 0x0d]

/**
 * Looks at a body of JSON, or at a stream of events (`text/event-stream`) each of which is JSON, as its bytes come.
 * @returns whether it is nested too deeply by the end of this chunk
 */
export function createNestingCheck(isEventStream: boolean): (chunk: Uint8Array) => boolean {
  let depth = 0
  let inString = false
  let escaped = false
  let emptyLine = false
  return (chunk) => {
    for (const byte of chunk) {
      if (byte === LINE_FEED || byte === CARRIAGE_RETURN) {
        // No string of JSON holds a line end, and an empty line ends an event.
        if (emptyLine && isEventStream) depth = 0
        emptyLine = true
        inString = escaped = false
        continue
      }
      emptyLine = false
      if (inString) {
        if (escaped) escaped = false
        else if (byte === BACKSLASH) escaped = true
        else if (byte === QUOTE) inString = false
      } else if (byte === QUOTE) inString = true
      else if (byte === 0x7b || byte === 0x5b) {
        if (++depth > MAX_DEPTH) return true
      } else if (byte === 0x7d || byte === 0x5d) depth--
    }
    return false
  }
}
