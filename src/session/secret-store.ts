import { createKeychain, type Keytar, type KeychainOptions } from './keychain.ts'
import type { Log, SecretStore } from './types.ts'

export interface SecretStoreOptions extends KeychainOptions {
  /** Loads keytar, a native module, when a secret is first needed; rejects where it has no binary. */
  loadKeytar(): Promise<Keytar>
  /** The editor's SecretStorage. */
  readonly fallback: SecretStore
  readonly log?: Log
}

/**
 * The keychain, or the editor's own store where there is no working one. The choice is made once, at first use, and holds until the
 * editor restarts: a keychain that fails later is an error (`keychain_unavailable`), so that no secret moves without the person knowing.
 * `label` says which one it is.
 */
export function createSecretStore(options: SecretStoreOptions): SecretStore {
  let chosen: SecretStore | undefined
  let choosing: Promise<SecretStore> | undefined

  const choose = async (): Promise<SecretStore> => {
    try {
      const keychain = createKeychain(await options.loadKeytar(), options)
      await keychain.probe()
      chosen = keychain
    } catch {
      options.log?.warn(`no working keychain on this machine; secrets are kept in ${options.fallback.label}`)
      chosen = options.fallback
    }
    return chosen
  }
  const store = (): Promise<SecretStore> => (choosing ??= choose())

  return {
    get label() {
      return chosen?.label ?? 'not chosen yet'
    },
    get: async (key) => (await store()).get(key),
    set: async (key, value) => (await store()).set(key, value),
    delete: async (key) => (await store()).delete(key),
    onChange: (listener) =>
      options.fallback.onChange?.((key) => {
        if (chosen === options.fallback) listener(key)
      }) ?? (() => {}),
  }
}
