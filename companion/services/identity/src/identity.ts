import { createApp } from './app.ts'
import type { IdentityConfig } from './config.ts'
import { openDataFolder } from './data-folder.ts'
import { loadKeys } from './keys.ts'
import { listen } from './listener.ts'
import { type Logger, logTo } from './logger.ts'
import { createProvider } from './provider.ts'
import { createRegistrationEndpoint, offersRegistration } from './registration-endpoint.ts'
import { createStore } from './store.ts'

export interface Identity {
  /** Origin it is reached at; the issuer. */
  readonly url: string
  /** Lets requests in flight end, then closes the data folder. */
  stop(): Promise<void>
}

/** Starts the local identity provider. @throws IdentityError for an unusable port or data folder */
export async function startIdentity(config: IdentityConfig, log: Logger = logTo(process.stderr)): Promise<Identity> {
  const database = openDataFolder(config.data)
  try {
    const keys = await loadKeys(database)
    const listener = await listen(config.host, config.port)
    const issuer = config.publicUrl ?? `http://${config.host}:${listener.port}`
    const store = createStore(database)
    const provider = createProvider({
      issuer,
      keys,
      store,
      ...(config.registry !== undefined && { registry: config.registry }),
    })
    listener.handle(
      createApp({
        provider,
        log,
        ...(config.devSecret !== undefined && { devSecret: config.devSecret }),
        ...(offersRegistration(issuer) && { register: createRegistrationEndpoint(issuer, store) }),
      }),
    )
    return {
      url: issuer,
      async stop() {
        await listener.close()
        database.close()
      },
    }
  } catch (error) {
    database.close()
    throw error
  }
}
