import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { CliError } from './cli-error.ts'
import { type ServerName, type ServiceName, SERVICES } from './services.ts'

/** This file, bundled, is `packages/cli/main.js` in the folder that holds all bundles of the companion. */
const ROOT = new URL('../../', import.meta.url)

/** @throws CliError `bundle_missing` */
export function bundleOf(service: ServiceName): string {
  return present(`${SERVICES[service].folder}/main.js`)
}

/** Governance file of a server: what its owner and reviewers say of it. @throws CliError `bundle_missing` */
export function governanceFileOf(server: ServerName): string {
  return present(`${SERVICES[server].folder}/server.json`)
}

function present(path: string): string {
  const file = fileURLToPath(new URL(path, ROOT))
  if (!existsSync(file))
    throw new CliError('bundle_missing', `${file} is missing; build the companion first (npm run build)`)
  return file
}
