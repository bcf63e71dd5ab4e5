import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { CliError } from '../cli-error.ts'
import { readIfPresent, writePrivate } from '../private-file.ts'
import { importSigningKey, newPrivateJwk, type SigningKey } from '../signing-key.ts'

const FILE = 'team-chat-key.json'

/**
 * The bot's own key, made at its first start and kept in the data folder, readable by its user alone. Its tokens are bound to it and it signs in which
 * channel somebody is; it is nobody's device, so it approves nothing.
 * @throws CliError `data_folder_broken`
 */
export async function loadBotKey(folder: string): Promise<SigningKey> {
  const file = join(folder, FILE)
  try {
    const kept = await readIfPresent(file)
    if (kept !== undefined) {
      await chmod(file, 0o600)
      return await importSigningKey(JSON.parse(kept) as object)
    }
    const jwk = await newPrivateJwk()
    await writePrivate(file, `${JSON.stringify(jwk)}\n`)
    return await importSigningKey(jwk)
  } catch (cause) {
    throw new CliError('data_folder_broken', `${file} holds no key; remove it to make a new one`, { cause })
  }
}
