import { z } from 'zod'
import type { Position } from '../servers/version-store.ts'

const Text = z.tuple([z.string().min(1).max(300), z.string().min(1).max(64)])

/** Opaque to clients, as the registry specification asks; base64url of JSON. */
export function encodeCursor(position: Position): string {
  return Buffer.from(JSON.stringify([position.name, position.version])).toString('base64url')
}

/** @returns undefined for what is no cursor of ours */
export function decodeCursor(cursor: string): Position | undefined {
  try {
    const parsed = Text.safeParse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')))
    return parsed.success ? { name: parsed.data[0], version: parsed.data[1] } : undefined
  } catch {
    return undefined
  }
}
