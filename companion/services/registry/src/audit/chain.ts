import { createHash } from 'node:crypto'

/** What one row of the audit log adds to the chain. */
export interface Entry {
  readonly sequence: number
  /** ISO 8601, UTC. */
  readonly receivedAt: string
  /** RFC 8785 text of the event. */
  readonly event: string
}

export interface Link extends Entry {
  readonly previousHash: string
  readonly hash: string
}

/** `previous_hash` of the first row. */
export const GENESIS = '0'.repeat(64)

/**
 * SHA-256 over the previous hash and the row, as hexadecimal digits: a changed, removed, inserted or reordered row breaks every later hash.
 * Fields are separated by a line feed, which none but the last can hold, so no two rows share an input.
 */
function hashOf(previousHash: string, entry: Entry): string {
  const text = `${previousHash}\n${entry.sequence}\n${entry.receivedAt}\n${entry.event}`
  return createHash('sha256').update(text, 'utf8').digest('hex')
}

export function chain(entries: readonly Entry[], previousHash: string): readonly Link[] {
  let previous = previousHash
  return entries.map((entry) => {
    const link = { ...entry, previousHash: previous, hash: hashOf(previous, entry) }
    previous = link.hash
    return link
  })
}

/** The sequence of the first row that does not continue the chain, or undefined when all do. `links` are in order, from sequence 1. */
export async function firstBroken(links: Iterable<Link> | AsyncIterable<Link>): Promise<number | undefined> {
  let previous = GENESIS
  let expected = 1
  for await (const link of links) {
    if (link.sequence !== expected || link.previousHash !== previous || link.hash !== hashOf(previous, link))
      return expected
    previous = link.hash
    expected++
  }
  return undefined
}
