import { randomUUID } from 'node:crypto'
import { SessionError } from './errors.ts'
import type { SecretStore } from './types.ts'

/** What is used of keytar. */
export interface Keytar {
  getPassword(service: string, account: string): Promise<string | null>
  setPassword(service: string, account: string, password: string): Promise<void>
  deletePassword(service: string, account: string): Promise<boolean>
}

export interface KeychainOptions {
  /** Name of the entries in the keychain. Default `Gatehouse`. */
  readonly service?: string
  /** For one call, milliseconds. Default 3,000. */
  readonly timeLimit?: number
}

/** A Windows credential holds 2,560 bytes (CRED_MAX_CREDENTIAL_BLOB_SIZE); entries are as short everywhere, so that one format is tested. */
const CHUNK_BYTES = 2400
const PLAIN = '='
const CHUNKED = '#'

/**
 * The operating system's keychain. A call to it can fail (no D-Bus, locked) or hang (it waits for a prompt nobody sees): each has a
 * time limit, and while one hangs no other is begun, for each holds a thread of Node's pool.
 */
export function createKeychain(
  keytar: Keytar,
  options: KeychainOptions = {},
): SecretStore & { probe(): Promise<void> } {
  const service = options.service ?? 'Gatehouse'
  const timeLimit = options.timeLimit ?? 3000
  let hanging = 0

  const bounded = async <T>(call: () => Promise<T>): Promise<T> => {
    if (hanging > 0) throw new SessionError('keychain_unavailable', { detail: 'an earlier call has not come back' })
    const running = call()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        hanging += 1
        running
          .catch(() => {})
          .finally(() => {
            hanging -= 1
          })
        reject(new SessionError('keychain_unavailable', { detail: `no answer within ${timeLimit / 1000} s` }))
      }, timeLimit)
    })
    try {
      return await Promise.race([running, late])
    } catch (cause) {
      // What a keychain says is the system's own text; it names no secret, but stays in `cause`.
      throw cause instanceof SessionError ? cause : new SessionError('keychain_unavailable', { cause })
    } finally {
      clearTimeout(timer)
    }
  }
  const read = (account: string) => bounded(() => keytar.getPassword(service, account))
  const write = (account: string, text: string) => bounded(() => keytar.setPassword(service, account, text))
  const erase = (account: string) => bounded(() => keytar.deletePassword(service, account))

  const eraseChunks = async (key: string, head: string | null): Promise<void> => {
    const chunks = head === null ? undefined : chunksOf(key, head)
    for (const account of chunks ?? []) await erase(account)
  }

  const get = async (key: string, mayRetry = true): Promise<string | undefined> => {
    const head = await read(key)
    if (head === null) return undefined
    if (head.startsWith(PLAIN)) return head.slice(1)
    const parts: string[] = []
    for (const account of chunksOf(key, head) ?? []) {
      const part = await read(account)
      // Another window has written a new value between our two reads.
      if (part === null) return mayRetry ? get(key, false) : undefined
      parts.push(part)
    }
    return parts.length === 0 ? undefined : Buffer.from(parts.join(''), 'base64url').toString('utf8')
  }

  return {
    label: 'the keychain of this machine',
    get: (key) => get(key),
    set: async (key, value) => {
      const before = await read(key)
      if (Buffer.byteLength(value) < CHUNK_BYTES) {
        await write(key, `${PLAIN}${value}`)
      } else {
        // Parts first, then the entry that names them: a reader sees the old value or the new one, never a mixture.
        const text = Buffer.from(value, 'utf8').toString('base64url')
        const head = `${CHUNKED}${randomUUID()} ${Math.ceil(text.length / CHUNK_BYTES)}`
        for (const [index, account] of (chunksOf(key, head) ?? []).entries()) {
          await write(account, text.slice(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES))
        }
        await write(key, head)
      }
      await eraseChunks(key, before)
    },
    delete: async (key) => {
      const before = await read(key)
      if (before === null) return
      await erase(key)
      await eraseChunks(key, before)
    },
    /** Writes, reads and erases an entry of its own: a keychain that is locked can often still be read. */
    probe: async () => {
      const account = `probe ${randomUUID()}`
      await write(account, PLAIN)
      const found = await read(account)
      await erase(account)
      if (found !== PLAIN)
        throw new SessionError('keychain_unavailable', { detail: 'it did not keep what was written' })
    },
  }
}

function chunksOf(key: string, head: string): string[] | undefined {
  const match = /^#([0-9a-f-]{36}) (\d{1,4})$/.exec(head)
  if (!match) return undefined
  return Array.from({ length: Number(match[2]) }, (_item, index) => `${key} ${match[1] as string} ${index}`)
}
